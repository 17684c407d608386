import Manifest

/// What the exit path of one architecture is, and what must not be on it. Names are parts of linkers' names.
struct ExitPathRules: Sendable {
  /// A row of the benchmark: the functions that its exit goes through, each called by the one before.
  struct Row: Sendable {
    let id: String
    let way: [String]
  }

  /// Where exits begin.
  let roots: [String]
  /// Functions that are looked at no further: what ends the hypervisor or a VM, and what only a rare exit needs.
  let cold: [String]
  /// Functions that call through a pointer, and why each may.
  let indirect: [String]
  /// Functions that must not be called.
  let forbidden: [String]
  let rows: [Row]
  let instructions: InstructionKinds

  /// How an architecture's instructions look.
  struct InstructionKinds: Sendable {
    let call: Set<String>
    let indirectCall: Set<String>
    let jump: Set<String>
    let indirectJump: Set<String>
    let end: Set<String>
    let conditionalBranch: @Sendable (String) -> Bool
    /// Floating point or vectors.
    let isFloatingPoint: @Sendable (Disassembly.Instruction) -> Bool
  }

  /// What no architecture's exit path may call: allocation, reference counts, copies of memory, division helpers.
  static let neverCalled = [
    "posix_memalign", "apus_free", "swift_retain", "swift_release", "swift_allocObject", "swift_deallocObject",
    "swift_once", "swift_slowAlloc", "swift_initStackObject", "memcpy", "memmove", "memset", "__udivti3", "__divti3",
    "__umodti3", "__modti3", "__udivdi3", "__divdi3",
  ]

  static func rules(for architecture: Architecture) -> ExitPathRules? {
    architecture == .aarch64 ? aarch64 : nil
  }

  static let aarch64 = ExitPathRules(
    roots: ["hypervisor_vectors", "apus_guest_synchronous", "apus_guest_interrupt"],
    cold: [
      // Ends of the hypervisor.
      "panic_common", "assertionFailure", "fatalErrorMessage", "preconditionFailure", "embeddedReportFatalError",
      // A guest that errs, and an error of the machine.
      "apus_guest_system_error", "7leaving", "9injecting", "10decodeRare", "14takeOtherAbort",
    ],
    // The console's input, and a CPU that waits for a lock: each a function that is set once, at boot.
    indirect: ["apus_guest_interrupt", "19takeDeviceInterrupt", "8SpinLockV4spin"],
    forbidden: neverCalled,
    rows: [
      Row(id: "hvc_null", way: ["apus_guest_synchronous"]),
      Row(id: "gicd_typer_read", way: ["apus_guest_synchronous", "8takeLoad"]),
      Row(
        id: "gicd_isenabler_read", way: ["apus_guest_synchronous", "8takeLoad", "20readDistributorBanks"]),
      Row(id: "gicd_isenabler_write", way: ["apus_guest_synchronous", "9takeStore", "16writeDistributor"]),
      Row(id: "gicr_typer_read", way: ["apus_guest_synchronous", "8takeLoad"]),
      Row(id: "uart_fr_read", way: ["apus_guest_synchronous", "8takeLoad"]),
      Row(id: "sgi_none", way: ["apus_guest_synchronous", "21takeSystemInstruction"]),
      Row(id: "timer_busy", way: ["apus_guest_interrupt"]),
    ],
    instructions: InstructionKinds(
      call: ["bl"], indirectCall: ["blr"], jump: ["b"], indirectJump: ["br"], end: ["ret", "eret", "brk"],
      conditionalBranch: { $0.hasPrefix("b.") || ["cbz", "cbnz", "tbz", "tbnz"].contains($0) },
      isFloatingPoint: {
        $0.mnemonic.hasPrefix("f") || $0.operands.contains(#/\b[bhsdqv][0-9]+(\b|\.)/#)
          || $0.mnemonic == "msr" && $0.operands.hasPrefix("FP")
      }))
}
