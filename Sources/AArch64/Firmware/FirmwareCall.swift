/// A call of a guest to its firmware or hypervisor by HVC or SMC, decoded: SMCCC (Arm DEN0028), PSCI 1.1 (DEN0022),
/// TRNG (DEN0098) and Apus's own (Documentation/Hypercalls.md).
///
/// Calls of 32 bits take the lower halves of their argument registers.
enum FirmwareCall: Equatable {
  // SMCCC
  case smcccVersion
  case smcccArchFeatures(function: UInt32)
  // PSCI
  case psciVersion
  case psciFeatures(function: UInt32)
  case cpuSuspend(PSCIPowerState, entry: UInt64, context: UInt64)
  case cpuOff
  case cpuOn(target: UInt64, entry: UInt64, context: UInt64)
  case affinityInfo(target: UInt64, level: UInt64)
  case migrateInfoType
  case systemOff
  case systemReset
  case systemReset2(kind: UInt32, cookie: UInt64)
  // TRNG
  case trngVersion
  case trngFeatures(function: UInt32)
  case trngUUID
  case trngRandom(bitCount: UInt64, width: CallWidth)
  // Apus
  case identify
  case apusVersion
  case apusFeatures
  case write(address: UInt64, byteCount: UInt64)
  case yield
  case stop(code: UInt64)
  /// Anything else: not supported.
  case unknown(function: UInt32)

  enum CallWidth: Equatable {
    case bits32
    case bits64
  }

  /// Decodes what a guest has in X0 to X3. Only the lower half of X0 counts; its bit 16 is the caller's hint that it has
  /// no SVE state, and part of no number (DEN0028, 2.5 and 2.6).
  @inline(__always) init(_ x0: UInt64, _ x1: UInt64, _ x2: UInt64, _ x3: UInt64) {
    let function = UInt32(truncatingIfNeeded: x0) & ~(1 << 16)
    // Bit 30: the call has 64-bit arguments.
    let mask: UInt64 = function & (1 << 30) == 0 ? 0xffff_ffff : .max
    self = Self.decode(function, x1 & mask, x2 & mask, x3 & mask)
  }

  @inline(__always) private static func decode(_ function: UInt32, _ x1: UInt64, _ x2: UInt64, _ x3: UInt64) -> Self {
    let word = UInt32(truncatingIfNeeded: x1)
    switch function {
    case Function.psciVersion: return .psciVersion
    case Function.cpuSuspend32, Function.cpuSuspend64:
      return .cpuSuspend(PSCIPowerState(rawValue: word), entry: x2, context: x3)
    case Function.cpuOff: return .cpuOff
    case Function.cpuOn32, Function.cpuOn64: return .cpuOn(target: x1, entry: x2, context: x3)
    case Function.affinityInfo32, Function.affinityInfo64: return .affinityInfo(target: x1, level: x2)
    case Function.migrateInfoType: return .migrateInfoType
    case Function.systemOff: return .systemOff
    case Function.systemReset: return .systemReset
    case Function.psciFeatures: return .psciFeatures(function: word)
    case Function.systemReset2_32, Function.systemReset2_64: return .systemReset2(kind: word, cookie: x2)
    case Function.smcccVersion: return .smcccVersion
    case Function.smcccArchFeatures: return .smcccArchFeatures(function: word)
    case Function.trngVersion: return .trngVersion
    case Function.trngFeatures: return .trngFeatures(function: word)
    case Function.trngUUID: return .trngUUID
    case Function.trngRandom32: return .trngRandom(bitCount: x1, width: .bits32)
    case Function.trngRandom64: return .trngRandom(bitCount: x1, width: .bits64)
    case Function.vendorUID: return .identify
    case Function.apusVersion: return .apusVersion
    case Function.apusFeatures: return .apusFeatures
    case Function.write: return .write(address: x1, byteCount: x2)
    case Function.yield: return .yield
    case Function.stop: return .stop(code: x1)
    default: return .unknown(function: function)
    }
  }

  /// Function numbers. Bit 31: a fast call; bit 30: 64-bit; bits [29:24]: who serves it.
  enum Function {
    static let smcccVersion: UInt32 = 0x8000_0000
    static let smcccArchFeatures: UInt32 = 0x8000_0001
    static let psciVersion: UInt32 = 0x8400_0000
    static let cpuSuspend32: UInt32 = 0x8400_0001
    static let cpuSuspend64: UInt32 = 0xc400_0001
    static let cpuOff: UInt32 = 0x8400_0002
    static let cpuOn32: UInt32 = 0x8400_0003
    static let cpuOn64: UInt32 = 0xc400_0003
    static let affinityInfo32: UInt32 = 0x8400_0004
    static let affinityInfo64: UInt32 = 0xc400_0004
    static let migrateInfoType: UInt32 = 0x8400_0006
    static let systemOff: UInt32 = 0x8400_0008
    static let systemReset: UInt32 = 0x8400_0009
    static let psciFeatures: UInt32 = 0x8400_000a
    static let systemReset2_32: UInt32 = 0x8400_0012
    static let systemReset2_64: UInt32 = 0xc400_0012
    static let trngVersion: UInt32 = 0x8400_0050
    static let trngFeatures: UInt32 = 0x8400_0051
    static let trngUUID: UInt32 = 0x8400_0052
    static let trngRandom32: UInt32 = 0x8400_0053
    static let trngRandom64: UInt32 = 0xc400_0053
    static let vendorUID: UInt32 = 0x8600_ff01
    static let apusVersion: UInt32 = 0xc600_0000
    static let apusFeatures: UInt32 = 0xc600_0001
    static let write: UInt32 = 0xc600_0002
    static let yield: UInt32 = 0xc600_0003
    static let stop: UInt32 = 0xc600_0004
  }
}

/// What a guest asks of CPU_SUSPEND (DEN0022, 5.4.2, the original format).
struct PSCIPowerState: RawRepresentable, Equatable {
  let rawValue: UInt32

  /// Bits [31:26] and [23:17] are zero. Which state it is does not matter: all are served as a wait for an interrupt,
  /// which a power-down may be (5.4.1: it can return as if a wake-up had been pending).
  var isValid: Bool { rawValue & 0xfcfe_0000 == 0 }
}
