/// What of a guest comes to the hypervisor and what does not, each bit with its reason.
enum GuestControls {
  /// hedeleg: a guest's own mistakes are its own to handle. Not here, and thus the hypervisor's: its calls, its guest page
  /// faults, and instructions that only a hypervisor can answer.
  static let exceptions: UInt64 =
    TrapCause.instructionMisaligned.bit | TrapCause.illegalInstruction.bit | TrapCause.breakpoint.bit
    | TrapCause.loadMisaligned.bit | TrapCause.storeMisaligned.bit
    // A bus error of memory that is the guest's.
    | TrapCause.instructionAccessFault.bit | TrapCause.loadAccessFault.bit | TrapCause.storeAccessFault.bit
    // Its user programs call it, not the hypervisor.
    | TrapCause.userCall.bit
    // Faults of its own page tables.
    | TrapCause.instructionPageFault.bit | TrapCause.loadPageFault.bit | TrapCause.storePageFault.bit

  /// hideleg: the three virtual interrupts are taken by the guest. The hypervisor's own are not to be delegated.
  static let interrupts = VirtualInterrupts.all.rawValue

  /// hcounteren: `time` is there, moved by htimedelta. `cycle` and `instret` go on while other guests run and while a
  /// guest is paused, so they are not.
  static let counters: UInt64 = 1 << 1

  /// henvcfg: `vstimecmp` where the hart has it (STCE). Cache operations and page-based memory types (CBIE, CBCFE, CBZE,
  /// PBMTE) are not told to guests, so they trap; nor do guests' fences order more than they say (FIOM), as there is no
  /// device that would need it.
  static func environment(hasSstc: Bool) -> UInt64 { hasSstc ? 1 << 63 : 0 }
}

/// Interrupts of VS-mode as the hypervisor sees them: bits of `hvip`, `hip`, `hie` and `hideleg`.
struct VirtualInterrupts: OptionSet {
  let rawValue: UInt64
  static let software = Self(rawValue: 1 << 2)  // VSSIP: by another hart of the guest
  static let timer = Self(rawValue: 1 << 6)  // VSTIP
  static let external = Self(rawValue: 1 << 10)  // VSEIP: the guest's interrupt controller
  static let all: Self = [.software, .timer, .external]
}
