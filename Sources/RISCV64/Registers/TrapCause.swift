/// Supervisor Cause register (RISC-V privileged architecture, `scause` and its tables of codes).
struct TrapCause: RawRepresentable, Equatable, Sendable {
  let rawValue: UInt64

  @inline(__always) init(rawValue: UInt64) { self.rawValue = rawValue }

  @inline(__always) var isInterrupt: Bool { Int64(bitPattern: rawValue) < 0 }

  static let instructionMisaligned = Self(rawValue: 0)
  static let instructionAccessFault = Self(rawValue: 1)
  static let illegalInstruction = Self(rawValue: 2)
  static let breakpoint = Self(rawValue: 3)
  static let loadMisaligned = Self(rawValue: 4)
  static let loadAccessFault = Self(rawValue: 5)
  static let storeMisaligned = Self(rawValue: 6)
  static let storeAccessFault = Self(rawValue: 7)
  static let userCall = Self(rawValue: 8)
  static let hypervisorCall = Self(rawValue: 9)
  static let guestCall = Self(rawValue: 10)
  static let instructionPageFault = Self(rawValue: 12)
  static let loadPageFault = Self(rawValue: 13)
  static let storePageFault = Self(rawValue: 15)
  static let instructionGuestPageFault = Self(rawValue: 20)
  static let loadGuestPageFault = Self(rawValue: 21)
  static let virtualInstruction = Self(rawValue: 22)
  static let storeGuestPageFault = Self(rawValue: 23)

  /// As a bit of `hedeleg`.
  var bit: UInt64 { 1 << (rawValue & 63) }
}
