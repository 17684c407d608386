import CAArch64
import Kernel
import Virtualization

/// Exceptions that the hypervisor gives to the guest, as the hardware would (Arm ARM, AArch64.TakeException).
/// The vCPU is loaded, so its EL1 registers are in the hardware.
extension AArch64 {
  enum InjectedException {
    case undefined
    /// A synchronous external abort on a data access.
    case dataAbort(address: UInt64, isStage1Walk: Bool)
    /// A synchronous external abort on an instruction fetch.
    case instructionAbort(address: UInt64, isStage1Walk: Bool)
  }

  /// - Returns: the fault that ends the VM, where the guest takes this one again and again.
  static func inject(_ exception: InjectedException, into vcpu: Reference<VCPU<Self>>) -> GuestFault? {
    let registers = vcpu.value.state.registers
    let pc = registers.programCounter
    let pstate = registers.processorState
    let isLong = registers.syndrome.isLongInstruction
    var esr: UInt64
    switch exception {
    case .undefined:
      esr = UInt64(ExceptionClass.unknown.rawValue) << 26
    case .dataAbort(let address, let isWalk):
      let kind = pstate.isUser ? ExceptionClass.dataAbortLower : .dataAbortSame
      // Write, cache maintenance and an unknown address are as they were.
      let kept = registers.syndrome.rawValue & (1 << 6 | 1 << 8 | 1 << 10)
      esr = UInt64(kind.rawValue) << 26 | externalAbort(isWalk: isWalk) | kept
      write_FAR_EL1(address)
    case .instructionAbort(let address, let isWalk):
      let kind = pstate.isUser ? ExceptionClass.instructionAbortLower : .instructionAbortSame
      esr = UInt64(kind.rawValue) << 26 | externalAbort(isWalk: isWalk)
      write_FAR_EL1(address)
    }
    if isLong { esr |= 1 << 25 }
    if vcpu.value.state.progress.isStuck(
      programCounter: pc, returnAddress: read_ELR_EL1(), isUser: pstate.isUser)
    {
      return GuestFault(
        kind: .repeatedFault, programCounter: pc, address: registers.faultAddress, syndrome: registers.syndrome.rawValue
      )
    }
    write_ESR_EL1(esr)
    write_ELR_EL1(pc)
    write_SPSR_EL1(pstate.rawValue)
    registers.programCounter = read_VBAR_EL1() &+ vectorOffset(from: pstate)
    registers.processorState = stateAtException(pstate)
    return nil
  }

  private static func externalAbort(isWalk: Bool) -> UInt64 { isWalk ? 0x17 : 0x10 }

  /// Arm ARM, table D1-7.
  static func vectorOffset(from state: SPSR) -> UInt64 {
    if state.isUser { return state.isAArch32 ? 0x600 : 0x400 }
    return state.rawValue & SPSR.m.mask == SPSR.Mode.el1t ? 0x000 : 0x200
  }

  /// PSTATE at the first instruction of an EL1 vector.
  private static func stateAtException(_ state: SPSR) -> SPSR {
    var fresh = SPSR.atPowerOn.rawValue
    fresh |= state.rawValue & (SPSR.n.mask | SPSR.z.mask | SPSR.c.mask | SPSR.v.mask | SPSR.pan.mask | SPSR.dit.mask)
    let sctlr = SCTLR_EL1(rawValue: read_SCTLR_EL1())
    if !sctlr.contains(.span) { fresh |= SPSR.pan.mask }
    return SPSR(rawValue: fresh)
  }
}
