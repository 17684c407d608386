/// A call of a guest to its firmware or hypervisor by ECALL, decoded: the RISC-V Supervisor Binary Interface 2.0 and Apus's
/// own functions (Documentation/Hypercalls.md).
enum FirmwareCall: Equatable {
  // Base (chapter 4)
  case specificationVersion
  case implementationID
  case implementationVersion
  case probe(extension: UInt64)
  case machineVendor
  case machineArchitecture
  case machineImplementation
  // Timer (chapter 6); the legacy call is the same
  case setTimer(deadline: UInt64)
  case legacySetTimer(deadline: UInt64)
  // IPI and remote fences (chapters 7 and 8)
  case sendIPI(HartMask)
  case fenceInstructions(HartMask)
  /// - asid: The address space; nil: all of them.
  case fenceTranslations(HartMask, FenceRange, asid: UInt64?)
  // Hart state (chapter 9)
  case startHart(UInt64, entry: UInt64, argument: UInt64)
  case stopHart
  case hartState(UInt64)
  case suspendHart(SBISuspendKind, entry: UInt64, argument: UInt64)
  // System reset (chapter 10)
  case systemReset(SBIResetKind)
  // Debug console (chapter 12)
  case consoleWrite(address: UInt64, upperAddress: UInt64, byteCount: UInt64)
  case consoleRead(address: UInt64, upperAddress: UInt64, byteCount: UInt64)
  case consoleWriteByte(UInt8)
  // Legacy (chapter 5). Those that take their hart mask from the guest's memory are not there: who knows `probe` needs none.
  case legacyPutCharacter(UInt8)
  case legacyGetCharacter
  case legacyClearIPI
  case legacyShutdown
  // Apus
  case identify(half: UInt64)
  case apusVersion
  case apusFeatures
  case write(address: UInt64, byteCount: UInt64)
  case yield
  case stop(code: UInt64)
  /// Anything else: not supported. Legacy calls answer in a0 alone.
  case unknown(extension: UInt64, function: UInt64)

  /// Decodes what a guest has in a7, a6 and a0 to a4.
  @inline(__always) init(
    extension: UInt64, function: UInt64, _ a0: UInt64, _ a1: UInt64, _ a2: UInt64, _ a3: UInt64, _ a4: UInt64
  ) {
    switch (`extension`, function) {
    // The most frequent first.
    case (SBIExtension.timer, 0): self = .setTimer(deadline: a0)
    case (SBIExtension.ipi, 0): self = .sendIPI(HartMask(a0, base: a1))
    case (SBIExtension.base, _): self = Self.base(function, a0)
    case (SBIExtension.remoteFence, _): self = Self.remoteFence(function, a0, a1, a2, a3, a4)
    case (SBIExtension.hartState, _): self = Self.hartState(function, a0, a1, a2)
    case (SBIExtension.systemReset, 0): self = .systemReset(SBIResetKind(a0, reason: a1))
    case (SBIExtension.debugConsole, _): self = Self.debugConsole(function, a0, a1, a2)
    case (SBIExtension.apus, _): self = Self.apus(function, a0, a1)
    case (0...SBIExtension.lastLegacy, _): self = Self.legacy(`extension`, function, a0)
    default: self = .unknown(extension: `extension`, function: function)
    }
  }

  @inline(__always) private static func base(_ function: UInt64, _ a0: UInt64) -> Self {
    switch function {
    case 0: .specificationVersion
    case 1: .implementationID
    case 2: .implementationVersion
    case 3: .probe(extension: a0)
    case 4: .machineVendor
    case 5: .machineArchitecture
    case 6: .machineImplementation
    default: .unknown(extension: SBIExtension.base, function: function)
    }
  }

  /// The functions from 3 on are for hypervisors, and guests have no hypervisor extension.
  private static func remoteFence(
    _ function: UInt64, _ a0: UInt64, _ a1: UInt64, _ a2: UInt64, _ a3: UInt64, _ a4: UInt64
  ) -> Self {
    let harts = HartMask(a0, base: a1)
    switch function {
    case 0: return .fenceInstructions(harts)
    case 1: return .fenceTranslations(harts, FenceRange(start: a2, byteCount: a3), asid: nil)
    case 2: return .fenceTranslations(harts, FenceRange(start: a2, byteCount: a3), asid: a4)
    default: return .unknown(extension: SBIExtension.remoteFence, function: function)
    }
  }

  private static func hartState(_ function: UInt64, _ a0: UInt64, _ a1: UInt64, _ a2: UInt64) -> Self {
    switch function {
    case 0: .startHart(a0, entry: a1, argument: a2)
    case 1: .stopHart
    case 2: .hartState(a0)
    case 3: .suspendHart(SBISuspendKind(a0), entry: a1, argument: a2)
    default: .unknown(extension: SBIExtension.hartState, function: function)
    }
  }

  private static func debugConsole(_ function: UInt64, _ a0: UInt64, _ a1: UInt64, _ a2: UInt64) -> Self {
    switch function {
    case 0: .consoleWrite(address: a1, upperAddress: a2, byteCount: a0)
    case 1: .consoleRead(address: a1, upperAddress: a2, byteCount: a0)
    case 2: .consoleWriteByte(UInt8(truncatingIfNeeded: a0))
    default: .unknown(extension: SBIExtension.debugConsole, function: function)
    }
  }

  private static func apus(_ function: UInt64, _ a0: UInt64, _ a1: UInt64) -> Self {
    switch function {
    case 0: .apusVersion
    case 1: .apusFeatures
    case 2: .write(address: a0, byteCount: a1)
    case 3: .yield
    case 4: .stop(code: a0)
    case 0xff01: .identify(half: a0)
    default: .unknown(extension: SBIExtension.apus, function: function)
    }
  }

  /// a6 does not count.
  private static func legacy(_ extension: UInt64, _ function: UInt64, _ a0: UInt64) -> Self {
    switch `extension` {
    case SBIExtension.legacySetTimer: .legacySetTimer(deadline: a0)
    case SBIExtension.legacyPutCharacter: .legacyPutCharacter(UInt8(truncatingIfNeeded: a0))
    case SBIExtension.legacyGetCharacter: .legacyGetCharacter
    case SBIExtension.legacyClearIPI: .legacyClearIPI
    case SBIExtension.legacyShutdown: .legacyShutdown
    default: .unknown(extension: `extension`, function: function)
    }
  }
}

/// Identifiers of extensions (RISC-V SBI 2.0).
enum SBIExtension {
  static let legacySetTimer: UInt64 = 0x00
  static let legacyPutCharacter: UInt64 = 0x01
  static let legacyGetCharacter: UInt64 = 0x02
  static let legacyClearIPI: UInt64 = 0x03
  static let legacyShutdown: UInt64 = 0x08
  static let lastLegacy: UInt64 = 0x0f
  static let base: UInt64 = 0x10
  static let timer: UInt64 = 0x5449_4d45  // "TIME"
  static let ipi: UInt64 = 0x0073_5049  // "sPI"
  static let remoteFence: UInt64 = 0x5246_4e43  // "RFNC"
  static let hartState: UInt64 = 0x0048_534d  // "HSM"
  static let systemReset: UInt64 = 0x5352_5354  // "SRST"
  static let debugConsole: UInt64 = 0x4442_434e  // "DBCN"
  /// The vendor's own space; its low bits are the machine's vendor as the guest is told it, which is 0.
  static let apus: UInt64 = 0x0900_0000

  /// Whether the extension is there, for all of whose functions `FirmwareCall` has a case.
  static func isThere(_ extension: UInt64) -> Bool {
    switch `extension` {
    case legacySetTimer, legacyPutCharacter, legacyGetCharacter, legacyClearIPI, legacyShutdown, base, timer, ipi,
      remoteFence, hartState, systemReset, debugConsole, apus:
      true
    default: false
    }
  }
}

/// What HSM hart_suspend is asked for (RISC-V SBI 2.0, 9.4).
enum SBISuspendKind: Equatable {
  /// The hart goes on behind the call.
  case retentive
  /// A kind that the standard has and this machine does not.
  case notImplemented
  case reserved

  /// The kind is 32 bits; what is above them does not count.
  init(_ value: UInt64) {
    switch UInt32(truncatingIfNeeded: value) {
    case 0: self = .retentive
    case 0x8000_0000, 0x1000_0000...0x7fff_ffff, 0x9000_0000...0xffff_ffff: self = .notImplemented
    default: self = .reserved
    }
  }
}

/// What SRST system_reset is asked for (RISC-V SBI 2.0, 10.1).
enum SBIResetKind: Equatable {
  case shutdown
  case reboot
  /// A kind or a reason that is a vendor's.
  case notImplemented
  case reserved

  /// Kind and reason are 32 bits; what is above them does not count.
  init(_ kind: UInt64, reason: UInt64) {
    switch UInt32(truncatingIfNeeded: reason) {
    case 0, 1, 0xe000_0000...0xffff_ffff: break
    default:
      self = .reserved
      return
    }
    switch UInt32(truncatingIfNeeded: kind) {
    case 0: self = .shutdown
    case 1, 2: self = .reboot
    case 0xf000_0000...0xffff_ffff: self = .notImplemented
    default: self = .reserved
    }
  }
}
