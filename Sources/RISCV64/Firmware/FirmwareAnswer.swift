import Virtualization

/// Errors of the firmware interface (RISC-V SBI 2.0, 3.1).
enum SBIError: Int64 {
  case success = 0
  case failed = -1
  case notSupported = -2
  case invalidParameter = -3
  case denied = -4
  case invalidAddress = -5
  case alreadyAvailable = -6
  case alreadyStarted = -7
  case alreadyStopped = -8
  case noSharedMemory = -9

  /// As the guest reads it in a0.
  @inline(__always) var registerValue: UInt64 { UInt64(bitPattern: rawValue) }

  /// What the neutral loop says of a call; a hart that is on or about to be is no longer available (9.1).
  init(_ result: CallResult) {
    switch result {
    case .success: self = .success
    case .notSupported: self = .notSupported
    case .invalidParameters: self = .invalidParameter
    case .denied: self = .denied
    case .alreadyOn, .onPending: self = .alreadyAvailable
    case .invalidAddress: self = .invalidAddress
    }
  }
}

/// What HSM hart_get_status says of a hart (RISC-V SBI 2.0, table 15).
enum SBIHartState: UInt64 {
  case started = 0
  case stopped = 1
  case startPending = 2
}

/// a0 and a1 after a call. A legacy call leaves a1 alone.
struct FirmwareAnswer: Equatable {
  let error: SBIError
  let value: UInt64

  @inline(__always) init(_ value: UInt64) {
    error = .success
    self.value = value
  }

  @inline(__always) init(_ error: SBIError) {
    self.error = error
    value = 0
  }
}

extension FirmwareAnswer {
  /// 2.0: major in bits 30 to 24, minor in 23 to 0 (4.1).
  static let specificationVersion = Self(0x0200_0000)
  /// "apus"; the standard's own numbers are small (4.9).
  static let implementationID = Self(0x6170_7573)
  static let implementationVersion = Self(0x1_0000)
  /// Who made the machine: nobody that a guest would know a fault of. Of the three identities zero is always allowed.
  static let machineIdentity = Self(0)

  /// Apus's calls 1.0: major in bits [31:16], minor in [15:0].
  static let apusVersion = Self(0x1_0000)
  /// Bit 0: write; bit 1: yield; bit 2: stop.
  static let apusFeatures = Self(0b111)

  /// Whether an extension is there (4.4).
  static func probe(_ extension: UInt64) -> Self { Self(SBIExtension.isThere(`extension`) ? 1 : 0) }

  /// Who answers: 6a6f2b1e-6d0e-4f37-9c52-a8b1c4d7e3f0, eight bytes at a time, the first byte lowest.
  static func identity(half: UInt64) -> Self {
    switch half {
    case 0: Self(0x374f_0e6d_1e2b_6f6a)
    case 1: Self(0xf0e3_d7c4_b1a8_529c)
    default: Self(.invalidParameter)
    }
  }
}
