/// How many bytes one access moves.
public enum AccessWidth: UInt8, Sendable {
  case byte = 1
  case halfword = 2
  case word = 4
  case doubleword = 8

  @inlinable public var byteCount: UInt64 { UInt64(rawValue) }

  /// The bits that an access of this width carries.
  @inlinable public var mask: UInt64 {
    switch self {
    case .byte: 0xff
    case .halfword: 0xffff
    case .word: 0xffff_ffff
    case .doubleword: .max
    }
  }
}
