/// Return codes of PSCI (DEN0022, 5.2.2). SMCCC, TRNG and Apus's own calls use the first of them.
enum PSCIResult: Int32 {
  case success = 0
  case notSupported = -1
  case invalidParameters = -2
  case denied = -3
  case alreadyOn = -4
  case onPending = -5
  case internalFailure = -6
  case notPresent = -7
  case disabled = -8
  case invalidAddress = -9

  /// As the guest reads it in X0.
  @inline(__always) var registerValue: UInt64 { UInt64(bitPattern: Int64(rawValue)) }
}

/// What AFFINITY_INFO says of a CPU (DEN0022, 5.7.1).
enum PSCIAffinityState: UInt64 {
  case on = 0
  case off = 1
  case onPending = 2
}

/// X0 to X3 after a call.
struct FirmwareAnswer: Equatable {
  var x0: UInt64
  var x1: UInt64 = 0
  var x2: UInt64 = 0
  var x3: UInt64 = 0

  @inline(__always) init(_ x0: UInt64) { self.x0 = x0 }

  init(_ x0: UInt64, _ x1: UInt64, _ x2: UInt64, _ x3: UInt64) {
    self.x0 = x0
    self.x1 = x1
    self.x2 = x2
    self.x3 = x3
  }

  @inline(__always) init(_ result: PSCIResult) { self.init(result.registerValue) }
}

extension FirmwareAnswer {
  private typealias Function = FirmwareCall.Function

  /// PSCI 1.1, SMCCC 1.1, TRNG 1.0, Apus's calls 1.0: major in bits [31:16], minor in [15:0].
  static let psciVersion = Self(0x1_0001)
  static let smcccVersion = Self(0x1_0001)
  static let trngVersion = Self(0x1_0000)
  static let apusVersion = Self(0x1_0000)

  /// Bit 0: write; bit 1: yield; bit 2: stop.
  static let apusFeatures = Self(0b111)

  /// Who answers: 6a6f2b1e-6d0e-4f37-9c52-a8b1c4d7e3f0, as DEN0028 6.2 puts a UUID into W0 to W3.
  static let uid = Self(0x1e2b_6f6a, 0x374f_0e6d, 0xb1a8_529c, 0xf0e3_d7c4)

  /// The random number generator's own: a different UUID names a different implementation (DEN0098, 2.5).
  static let trngUUID = Self(0x1e2b_6f6a, 0x374f_0e6d, 0xb1a8_529c, 0xf1e3_d7c4)

  /// What PSCI_FEATURES says: a function that there is has its feature flags, all zero (CPU_SUSPEND: original
  /// format, no coordination by the operating system).
  static func psciFeatures(of function: UInt32) -> PSCIResult {
    switch function {
    case Function.psciVersion, Function.cpuSuspend32, Function.cpuSuspend64, Function.cpuOff, Function.cpuOn32,
      Function.cpuOn64, Function.affinityInfo32, Function.affinityInfo64, Function.migrateInfoType,
      Function.systemOff, Function.systemReset, Function.psciFeatures, Function.systemReset2_32,
      Function.systemReset2_64, Function.smcccVersion:
      .success
    default: .notSupported
    }
  }

  /// What SMCCC_ARCH_FEATURES says. No workaround is offered: what the firmware below has is not the guest's to call.
  static func smcccArchFeatures(of function: UInt32) -> PSCIResult {
    switch function {
    case Function.smcccVersion, Function.smcccArchFeatures: .success
    default: .notSupported
    }
  }

  /// What TRNG_FEATURES says.
  static func trngFeatures(of function: UInt32) -> PSCIResult {
    switch function {
    case Function.trngVersion, Function.trngFeatures, Function.trngUUID, Function.trngRandom32, Function.trngRandom64:
      .success
    default: .notSupported
    }
  }

  /// TRNG_RND: `bitCount` random bits out of `entropy`, lowest in X3, upwards through X2 and X1 (DEN0098, 2.6). A call of
  /// 32 bits fills the lower halves.
  static func random(
    _ bitCount: UInt64, _ width: FirmwareCall.CallWidth, entropy: (UInt64, UInt64, UInt64)
  ) -> Self {
    let wordBits: UInt64 = width == .bits32 ? 32 : 64
    guard bitCount > 0, bitCount <= 3 &* wordBits else { return Self(.invalidParameters) }
    func word(_ index: UInt64, _ value: UInt64) -> UInt64 {
      guard bitCount > index &* wordBits else { return 0 }
      return value & (~0 &>> (64 &- min(wordBits, bitCount &- index &* wordBits)))
    }
    return Self(0, word(2, entropy.2), word(1, entropy.1), word(0, entropy.0))
  }

  /// The vCPUs, as bits, that AFFINITY_INFO asks about; nil for an affinity level or a target that there is not. At
  /// level 1 and up the target names a group of CPUs, and the affinities below are ignored.
  static func affinityTargets(_ target: UInt64, level: UInt64, vcpuCount: Int) -> UInt64? {
    guard level <= 3 else { return nil }
    let ignored = UInt64(1) &<< (level &* 8) &- 1
    guard let first = VCPUAffinity(mpidr: level == 0 ? target : target & ~ignored), first.index < vcpuCount else {
      return nil
    }
    let all = ~UInt64(0) &>> UInt64(64 &- vcpuCount)
    switch level {
    case 0: return 1 &<< UInt64(first.index)
    case 1: return (0xffff &<< UInt64(first.index)) & all
    default: return all
    }
  }
}
