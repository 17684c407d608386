import CAArch64
import Kernel
import Virtualization

extension AArch64 {
  /// A trapped MSR, MRS or system instruction: carries out what `SystemRegisterPolicy` says.
  @inline(__always) static func takeSystemInstruction(
    _ instruction: SystemInstruction, of vcpu: Reference<VCPU<Self>>
  ) -> VMExit<AArch64Exit> {
    let registers = vcpu.value.state.registers
    vcpu.value.statistics.systemRegisters &+= 1
    let disposition = SystemRegisterPolicy.disposition(of: instruction.register, instruction.direction)
    switch instruction.direction {
    case .read:
      guard let value = read(disposition, of: vcpu) else { return injecting(.undefined, into: vcpu) }
      registers[instruction.generalRegister] = value
    case .write:
      guard write(disposition, registers[instruction.generalRegister], of: vcpu) else {
        return injecting(.undefined, into: vcpu)
      }
    }
    registers.skipInstruction()
    return .handled
  }

  /// Nil where the guest gets an undefined exception.
  @inline(__always) private static func read(
    _ disposition: SystemRegisterPolicy.Disposition, of vcpu: Reference<VCPU<Self>>
  ) -> UInt64? {
    switch disposition {
    case .value(let value): value
    case .identification(let index): currentCPU.value.local.machine.value.idRegisters[index]
    case .physicalCounter: guestCounter(of: vcpu.value.vm)
    case .physicalTimer(.control): physicalTimerControl(of: vcpu)
    case .physicalTimer(.compareValue): vcpu.value.state.physicalTimer.compareValue
    // The timer's low half, counting down (Arm ARM DDI 0487, CNTP_TVAL_EL0).
    case .physicalTimer(.timerValue):
      (vcpu.value.state.physicalTimer.compareValue &- guestCounter(of: vcpu.value.vm)) & 0xffff_ffff
    case .osLock: read_OSLSR_EL1()
    case .ignored, .sendSGI, .deactivateInterrupt, .undefined: nil
    }
  }

  /// False where the guest gets an undefined exception.
  @inline(__always) private static func write(
    _ disposition: SystemRegisterPolicy.Disposition, _ value: UInt64, of vcpu: Reference<VCPU<Self>>
  ) -> Bool {
    let vm = vcpu.value.vm
    switch disposition {
    case .sendSGI(let group):
      notify(vm.value.state.gic.sendSGI(ICC_SGI1R_EL1(rawValue: value), group, from: vcpu.value.index), in: vm)
    case .deactivateInterrupt: notify(vm.value.state.gic.deactivate(value, vcpu: vcpu.value.index), in: vm)
    case .physicalTimer(.control): setPhysicalTimerControl(of: vcpu, value)
    case .physicalTimer(.compareValue): vcpu.value.state.physicalTimer.compareValue = value
    case .physicalTimer(.timerValue):
      vcpu.value.state.physicalTimer.compareValue =
        guestCounter(of: vm) &+ UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: value)))
    case .osLock: write_OSLAR_EL1(value & 1)
    case .ignored: break
    case .value, .identification, .physicalCounter, .undefined: return false
    }
    return true
  }

  @inline(__always) private static func notify(_ vcpus: UInt64, in vm: Reference<VM<Self>>) {
    if vcpus != 0 { vm.value.notify(CPUSet(rawValue: vcpus)) }
  }
}
