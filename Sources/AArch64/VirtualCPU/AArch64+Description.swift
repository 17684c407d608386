import CAArch64
import Kernel
import Virtualization

/// What a person is told of a vCPU that has faulted.
extension AArch64 {
  public static func describe(_ vcpu: Reference<VCPU<Self>>, to show: (LogText) -> Void) {
    let registers = vcpu.value.state.registers
    show(cause(registers.syndrome, far: registers.faultAddress, page: registers.faultPage))
    for first in stride(from: 0, to: 28, by: 4) {
      show(
        """
        x\(first) \(hex: registers[first]) x\(first + 1) \(hex: registers[first + 1]) \
        x\(first + 2) \(hex: registers[first + 2]) x\(first + 3) \(hex: registers[first + 3])
        """)
    }
    show("x28 \(hex: registers[28]) x29 \(hex: registers[29]) x30 \(hex: registers[30])")
    show("pc \(hex: registers.programCounter) pstate \(hex: registers.processorState.rawValue)")
    show(
      """
      esr \(hex: registers.syndrome.rawValue) far \(hex: registers.faultAddress) \
      hpfar \(hex: registers.faultPage.rawValue)
      """)
    show(system(vcpu.value.state.system))
  }

  /// Where its exceptions go and what it was about, from EL1's own registers.
  private static func system(_ system: SystemRegisterState) -> LogText {
    """
    sp_el1 \(hex: system.sp_el1) sp_el0 \(hex: system.sp_el0) vbar_el1 \(hex: system.vbar_el1) \
    elr_el1 \(hex: system.elr_el1) esr_el1 \(hex: system.esr_el1) far_el1 \(hex: system.far_el1) \
    sctlr_el1 \(hex: system.sctlr_el1)
    """
  }

  /// The exit in words.
  static func cause(_ syndrome: ESR_EL2, far: UInt64, page: HPFAR_EL2) -> LogText {
    switch syndrome.exceptionClass {
    case .dataAbortLower:
      let abort = syndrome.dataAbort
      let access: StaticString =
        abort.isStage1Walk ? "a walk of its page tables" : abort.isWrite ? "a store" : "a load"
      return place(access, far, abort.hasFaultPage ? page : nil, abort.status)
    case .instructionAbortLower:
      let abort = syndrome.instructionAbort
      let access: StaticString = abort.isStage1Walk ? "a walk of its page tables" : "a fetch"
      return place(access, far, abort.hasFaultPage ? page : nil, abort.status)
    default:
      return "\(syndrome.exceptionClass.summary)"
    }
  }

  private static func place(
    _ access: StaticString, _ far: UInt64, _ page: HPFAR_EL2?, _ status: FaultStatus
  ) -> LogText {
    guard let page else { return "\(access) at \(hex: far): \(status.kind.words)" }
    return "\(access) at \(hex: far), guest-physical page \(hex: page.page.rawValue): \(status.kind.words)"
  }
}

extension FaultStatus.Kind {
  var words: StaticString {
    switch self {
    case .addressSize: "beyond the VM's addresses"
    case .translation: "nothing is there"
    case .accessFlag: "an access flag"
    case .permission: "not allowed"
    case .externalAbort: "the bus refused"
    case .alignment: "misaligned"
    case .tlbConflict: "conflicting translations"
    case .unsupportedAtomic: "an exclusive or atomic access that the memory cannot do"
    case .other: "a fault of another kind"
    }
  }
}
