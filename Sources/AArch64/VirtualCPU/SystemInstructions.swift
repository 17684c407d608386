import CAArch64
import Kernel
import Virtualization

extension AArch64 {
  /// A trapped MSR, MRS or system instruction: carries out what `SystemRegisterPolicy` says.
  @inline(never) static func takeSystemInstruction(
    _ syndrome: ESR_EL2, of vcpu: Reference<VCPU<Self>>
  ) -> ExitAnswer {
    let instruction = syndrome.systemInstruction
    let registers = vcpu.value.state.registers
    vcpu.value.statistics.systemRegisters &+= 1
    let disposition = SystemRegisterPolicy.disposition(of: instruction.register, instruction.direction)
    switch instruction.direction {
    case .read:
      guard let value = read(disposition, of: vcpu) else { return injecting(.undefined, into: vcpu) }
      registers[instruction.generalRegister] = value
      registers.skipInstruction()
      return GuestRegisters.isKeptByCallees(instruction.generalRegister) ? .goOnWithAll : .goOn
    case .write:
      if case .sendSGI(let group) = disposition {
        sendSGI(ICC_SGI1R_EL1(rawValue: registers[instruction.generalRegister]), group, from: vcpu)
        registers.skipInstruction()
        return .goOn
      }
      guard write(disposition, registers[instruction.generalRegister], of: vcpu) else {
        return injecting(.undefined, into: vcpu)
      }
      registers.skipInstruction()
      return .goOn
    }
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
  @inline(never) private static func write(
    _ disposition: SystemRegisterPolicy.Disposition, _ value: UInt64, of vcpu: Reference<VCPU<Self>>
  ) -> Bool {
    let vm = vcpu.value.vm
    switch disposition {
    case .deactivateInterrupt: notify(vm.value.state.gic.deactivate(value, vcpu: vcpu.value.index), in: vm)
    case .physicalTimer(.control): setPhysicalTimerControl(of: vcpu, value)
    case .physicalTimer(.compareValue): vcpu.value.state.physicalTimer.compareValue = value
    case .physicalTimer(.timerValue):
      vcpu.value.state.physicalTimer.compareValue =
        guestCounter(of: vm) &+ UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: value)))
    case .osLock: write_OSLAR_EL1(value & 1)
    case .ignored: break
    case .sendSGI, .value, .identification, .physicalCounter, .undefined: return false
    }
    return true
  }

  @inline(__always) private static func sendSGI(
    _ request: ICC_SGI1R_EL1, _ group: VirtualGIC.SGIGroup, from vcpu: Reference<VCPU<Self>>
  ) {
    let vm = vcpu.value.vm
    notify(vm.value.state.gic.sendSGI(request, group, from: vcpu.value.index), in: vm)
  }

  @inline(__always) private static func notify(_ vcpus: UInt64, in vm: Reference<VM<Self>>) {
    if vcpus != 0 { vm.value.notify(CPUSet(rawValue: vcpus)) }
  }
}
