import CAArch64
import Kernel
import Virtualization

/// The system registers by name that are served here.
extension SystemRegister {
  static let iccSGI1R = Self(3, 0, 12, 11, 5)
  static let cntPCT = Self(3, 3, 14, 0, 1)
  static let cntPTVAL = Self(3, 3, 14, 2, 0)
  static let cntPCTL = Self(3, 3, 14, 2, 1)
  static let cntPCVAL = Self(3, 3, 14, 2, 2)
  static let osLAR = Self(2, 0, 1, 0, 4)
  static let osLSR = Self(2, 0, 1, 1, 4)
  static let osDLR = Self(2, 0, 1, 3, 4)
}

extension AArch64 {
  /// A trapped MSR or MRS: served by what the guest has, else undefined.
  static func takeSystemInstruction(
    _ instruction: SystemInstruction, of vcpu: Reference<VCPU<Self>>
  ) -> VMExit<AArch64Exit> {
    let registers = vcpu.value.state.registers
    vcpu.value.statistics.systemRegisters &+= 1
    switch instruction.direction {
    case .read:
      guard let value = read(instruction.register, of: vcpu) else { return injecting(.undefined, into: vcpu) }
      registers[instruction.generalRegister] = value
    case .write:
      guard write(instruction.register, registers[instruction.generalRegister], of: vcpu) else {
        return injecting(.undefined, into: vcpu)
      }
    }
    registers.skipInstruction()
    return .handled
  }

  private static func read(_ register: SystemRegister, of vcpu: Reference<VCPU<Self>>) -> UInt64? {
    switch register {
    case .cntPCT: guestCounter(of: vcpu.value.vm)
    case .cntPCTL: physicalTimerControl(of: vcpu)
    case .cntPCVAL: vcpu.value.state.physicalTimer.compareValue
    // The timer's low half, counting down (Arm ARM DDI 0487, CNTP_TVAL_EL0).
    case .cntPTVAL: (vcpu.value.state.physicalTimer.compareValue &- guestCounter(of: vcpu.value.vm)) & 0xffff_ffff
    // The OS lock is implemented and open (OSLSR_EL1.OSLM 0b10); there is no double lock.
    case .osLSR: 0b1000
    case .osDLR: 0
    default: IDRegisters.guestValue(of: register, host: IDRegisters.hostValue)
    }
  }

  /// False where there is no such register.
  private static func write(_ register: SystemRegister, _ value: UInt64, of vcpu: Reference<VCPU<Self>>) -> Bool {
    let vm = vcpu.value.vm
    switch register {
    case .iccSGI1R:
      let notified = vm.value.state.gic.sendSGI(ICC_SGI1R_EL1(rawValue: value), .group1, from: vcpu.value.index)
      if notified != 0 { vm.value.notify(CPUSet(rawValue: notified)) }
    case .cntPCTL: setPhysicalTimerControl(of: vcpu, value)
    case .cntPCVAL: vcpu.value.state.physicalTimer.compareValue = value
    case .cntPTVAL:
      vcpu.value.state.physicalTimer.compareValue =
        guestCounter(of: vm) &+ UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: value)))
    case .osLAR, .osDLR: break
    default: return false
    }
    return true
  }
}
