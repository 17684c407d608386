import CAArch64
import Kernel
import Virtualization

/// What a synchronous exit asks for. Each handler does it, or leaves it to the run loop in the vCPU's `exit`.
extension AArch64 {
  @inline(__always) static func decode(_ syndrome: ESR_EL2, of vcpu: Reference<VCPU<Self>>) -> ExitAnswer {
    switch syndrome.exceptionClass {
    case .hvc64: callFirmware(vcpu)
    case .dataAbortLower: takeDataAbort(syndrome, of: vcpu)
    case .systemInstruction: takeSystemInstruction(syndrome, of: vcpu)
    default: decodeRare(syndrome, of: vcpu)
    }
  }

  @inline(never) private static func decodeRare(_ syndrome: ESR_EL2, of vcpu: Reference<VCPU<Self>>) -> ExitAnswer {
    let registers = vcpu.value.state.registers
    switch syndrome.exceptionClass {
    case .smc64:
      registers.skipInstruction()
      return callFirmware(vcpu)
    case .wfx:
      vcpu.value.statistics.waits &+= 1
      registers.skipInstruction()
      switch syndrome.waitKind {
      case .waitForInterrupt, .waitForInterruptWithTimeout: return leaving(.halt, vcpu)
      case .waitForEvent, .waitForEventWithTimeout: return leaving(.yield, vcpu)
      }
    case .instructionAbortLower:
      vcpu.value.statistics.others &+= 1
      _ = registers.keepFaultAddress()
      let abort = syndrome.instructionAbort
      return injecting(
        .instructionAbort(address: registers.faultAddress, isStage1Walk: abort.isStage1Walk), into: vcpu)
    default:
      // Whatever else is trapped is not there for the guest.
      vcpu.value.statistics.others &+= 1
      return injecting(.undefined, into: vcpu)
    }
  }

  /// Leaves an exit to the run loop.
  @inline(never) static func leaving(_ exit: VMExit<AArch64Exit>, _ vcpu: Reference<VCPU<Self>>) -> ExitAnswer {
    vcpu.value.state.exit = exit
    return .leave
  }

  @inline(never) static func injecting(
    _ exception: InjectedException, into vcpu: Reference<VCPU<Self>>
  ) -> ExitAnswer {
    if let fault = inject(exception, into: vcpu) { return leaving(.fault(fault), vcpu) }
    return .goOn
  }

  @inline(__always) private static func takeDataAbort(
    _ syndrome: ESR_EL2, of vcpu: Reference<VCPU<Self>>
  ) -> ExitAnswer {
    let abort = syndrome.dataAbort
    let fault = vcpu.value.state.registers.keepFaultAddress()
    guard abort.hasAccess, abort.hasFaultPage, !abort.isStage1Walk else { return takeOtherAbort(abort, of: vcpu) }
    vcpu.value.statistics.mmio &+= 1
    let address = fault.page.address(far: fault.address)
    return abort.isWrite ? takeStore(abort, at: address, of: vcpu) : takeLoad(abort, at: address, of: vcpu)
  }

  @inline(never) private static func takeLoad(
    _ abort: DataAbort, at address: GuestPhysicalAddress, of vcpu: Reference<VCPU<Self>>
  ) -> ExitAnswer {
    let access = MMIOAccess(address: address, width: abort.width, direction: .read)
    guard carryOut(access, of: vcpu) else { return leaving(.mmio(access), vcpu) }
    return GuestRegisters.isKeptByCallees(abort.register) ? .goOnWithAll : .goOn
  }

  @inline(never) private static func takeStore(
    _ abort: DataAbort, at address: GuestPhysicalAddress, of vcpu: Reference<VCPU<Self>>
  ) -> ExitAnswer {
    let value = vcpu.value.state.registers[abort.register] & abort.width.mask
    let access = MMIOAccess(address: address, width: abort.width, direction: .write(value))
    return carryOut(access, of: vcpu) ? .goOn : leaving(.mmio(access), vcpu)
  }

  @inline(never) private static func takeOtherAbort(
    _ abort: DataAbort, of vcpu: Reference<VCPU<Self>>
  ) -> ExitAnswer {
    let registers = vcpu.value.state.registers
    vcpu.value.statistics.others &+= 1
    if abort.isCacheMaintenance, !abort.isStage1Walk {
      // Maintenance of a line that is not there has nothing to do.
      registers.skipInstruction()
      return .goOn
    }
    return injecting(.dataAbort(address: registers.faultAddress, isStage1Walk: abort.isStage1Walk), into: vcpu)
  }
}
