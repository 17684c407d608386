/// Interrupts of S mode (RISC-V privileged architecture, `scause`), as `sip` and `sie` number them too.
enum Interrupt: UInt64 {
  case software = 1
  case timer = 5
  case external = 9

  var bit: UInt64 { 1 << rawValue }
}

/// Why a trap was taken (RISC-V privileged architecture, `scause`).
struct Cause {
  let rawValue: UInt64

  static let instructionMisaligned: UInt64 = 0
  static let instructionAccessFault: UInt64 = 1
  static let illegalInstruction: UInt64 = 2
  static let breakpoint: UInt64 = 3
  static let loadMisaligned: UInt64 = 4
  static let loadAccessFault: UInt64 = 5
  static let storeMisaligned: UInt64 = 6
  static let storeAccessFault: UInt64 = 7
  static let callFromSupervisor: UInt64 = 9
  static let instructionPageFault: UInt64 = 12
  static let loadPageFault: UInt64 = 13
  static let storePageFault: UInt64 = 15

  /// The interrupt, or `nil` for an exception.
  var interrupt: Interrupt? { rawValue >> 63 != 0 ? Interrupt(rawValue: rawValue & ~(1 << 63)) : nil }
  var isInterrupt: Bool { rawValue >> 63 != 0 }
}
