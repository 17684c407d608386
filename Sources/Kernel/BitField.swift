/// A run of bits in a 64-bit register, named once and used for reading and for writing.
public struct BitField: Sendable {
  public let lowestBit: UInt64
  public let bitCount: UInt64

  /// The bits `range`, as the manual writes them: `[upper:lower]`.
  @inlinable @inline(__always) public init(_ upper: UInt64, _ lower: UInt64) {
    lowestBit = lower
    bitCount = upper &- lower &+ 1
  }

  /// The field's bits, at their place in the register.
  @inlinable @inline(__always) public var mask: UInt64 { (~0 &>> (64 &- bitCount)) &<< lowestBit }

  /// The field's value in `register`, moved down to bit 0.
  @inlinable @inline(__always) public func value(in register: UInt64) -> UInt64 { (register & mask) &>> lowestBit }

  /// `value` at the field's place; bits that do not fit are dropped.
  @inlinable @inline(__always) public func placed(_ value: UInt64) -> UInt64 { (value &<< lowestBit) & mask }

  /// `register` with the field replaced by `value`.
  @inlinable @inline(__always) public func replaced(in register: UInt64, by value: UInt64) -> UInt64 {
    (register & ~mask) | placed(value)
  }
}
