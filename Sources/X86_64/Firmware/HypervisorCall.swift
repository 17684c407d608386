/// A VMMCALL: number in EAX, arguments in RBX and RCX, result in RAX (Documentation/Hypercalls.md).
enum HypervisorCall: Equatable {
  case identify
  case version
  case features
  case write(address: UInt64, byteCount: UInt64)
  case yield
  case stop(code: UInt64)
  case unknown

  init(_ rax: UInt64, _ rbx: UInt64, _ rcx: UInt64) {
    switch UInt32(truncatingIfNeeded: rax) {
    case 0x8600_ff01: self = .identify
    case 0xc600_0000: self = .version
    case 0xc600_0001: self = .features
    case 0xc600_0002: self = .write(address: rbx, byteCount: rcx)
    case 0xc600_0003: self = .yield
    case 0xc600_0004: self = .stop(code: rbx)
    default: self = .unknown
    }
  }

  /// The UUID 6a6f2b1e-6d0e-4f37-9c52-a8b1c4d7e3f0 in four words, as SMCCC gives it (Arm DEN0028, 6.2).
  static let identity: (UInt32, UInt32, UInt32, UInt32) = (0x1e2b_6f6a, 0x374f_0e6d, 0xb1a8_529c, 0xf0e3_d7c4)
  static let apusVersion: UInt64 = 1 << 16
  /// Write, yield, stop.
  static let apusFeatures: UInt64 = 7
  static let notSupported = UInt64(bitPattern: -1)
  static let invalidParameters = UInt64(bitPattern: -2)
  static let denied = UInt64(bitPattern: -3)
  static let alreadyOn = UInt64(bitPattern: -4)
  static let onPending = UInt64(bitPattern: -5)
  static let invalidAddress = UInt64(bitPattern: -9)
}
