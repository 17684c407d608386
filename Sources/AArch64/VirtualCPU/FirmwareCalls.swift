import CAArch64
import Kernel
import Synchronization
import Virtualization

extension AArch64 {
  static func callFirmware(_ vcpu: Reference<VCPU<Self>>) -> VMExit<AArch64Exit> {
    let r = vcpu.value.state.registers
    switch UInt32(truncatingIfNeeded: r[0]) {
    case 0x8400_0000: r[0] = 0x1_0001
    case 0xc400_0003, 0x8400_0003:
      return .cpuUp(target: r[1], entry: GuestPhysicalAddress(r[2]), argument: r[3])
    case 0x8400_0002: return .cpuDown
    case 0x8400_0008: return .systemDown(.powerOff)
    case 0x8400_0009: return .systemDown(.reset)
    case 0x8400_0006: r[0] = 2
    case 0xc400_0004, 0x8400_0004:
      if let index = vcpuIndex(of: r[1], in: vcpu.value.vm) {
        switch vcpu.value.vm.value.vcpus[index].value.power.load(ordering: .sequentiallyConsistent) {
        case .off: r[0] = 1
        case .on: r[0] = 0
        default: r[0] = 2
        }
      } else {
        r[0] = UInt64(bitPattern: -2)
      }
    case 0x8400_000a:
      switch UInt32(truncatingIfNeeded: r[1]) {
      case 0x8400_0000, 0x8400_0002, 0xc400_0003, 0x8400_0003, 0xc400_0004, 0x8400_0008, 0x8400_0009, 0x8000_0000:
        r[0] = 0
      default: r[0] = UInt64(bitPattern: -1)
      }
    case 0x8000_0000: r[0] = 0x1_0001
    default: r[0] = UInt64(bitPattern: -1)
    }
    return .handled
  }

  public static func answer(_ result: CallResult, to vcpu: Reference<VCPU<Self>>) {
    let value: Int64 =
      switch result {
      case .success: 0
      case .notSupported: -1
      case .invalidParameters: -2
      case .denied: -3
      case .alreadyOn: -4
      case .onPending: -5
      case .invalidAddress: -9
      }
    vcpu.value.state.registers[0] = UInt64(bitPattern: value)
  }

  static func takeSystemInstruction(_ i: SystemInstruction, of vcpu: Reference<VCPU<Self>>) -> VMExit<AArch64Exit> {
    let r = vcpu.value.state.registers
    let vm = vcpu.value.vm
    let value = r[i.generalRegister]
    switch (i.register, i.direction) {
    case (SystemRegister(3, 0, 12, 11, 5), .write):
      let n = vm.value.state.gic.sendSGI(ICC_SGI1R_EL1(rawValue: value), .group1, from: vcpu.value.index)
      vm.value.notify(CPUSet(rawValue: n))
    case (SystemRegister(3, 3, 14, 0, 1), .read): r[i.generalRegister] = guestCounter(of: vm)
    case (SystemRegister(3, 3, 14, 2, 1), .read): r[i.generalRegister] = physicalTimerControl(of: vcpu)
    case (SystemRegister(3, 3, 14, 2, 1), .write): setPhysicalTimerControl(of: vcpu, value)
    case (SystemRegister(3, 3, 14, 2, 2), .read): r[i.generalRegister] = vcpu.value.state.physicalTimer.compareValue
    case (SystemRegister(3, 3, 14, 2, 2), .write): vcpu.value.state.physicalTimer.compareValue = value
    case (SystemRegister(3, 3, 14, 2, 0), .write):
      vcpu.value.state.physicalTimer.compareValue =
        guestCounter(of: vm) &+ UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: value)))
    case (SystemRegister(2, 0, 1, 0, 4), .write), (SystemRegister(2, 0, 1, 3, 4), .write): break
    case (SystemRegister(2, 0, 1, 1, 4), .read), (SystemRegister(2, 0, 1, 3, 4), .read): r[i.generalRegister] = 0
    default:
      if i.direction == .read, let value = IDRegisters.guestValue(of: i.register, host: IDRegisters.hostValue) {
        r[i.generalRegister] = value
        break
      }
      return injecting(.undefined, into: vcpu)
    }
    r.skipInstruction()
    return .handled
  }
}
