/// A run of bits in a 64-bit register, named once and used for reading and for writing.
struct BitField: Sendable {
  let lowestBit: UInt64
  let bitCount: UInt64

  /// The bits `range`, as the manual writes them: `[upper:lower]`.
  @inline(__always) init(_ upper: UInt64, _ lower: UInt64) {
    lowestBit = lower
    bitCount = upper &- lower &+ 1
  }

  /// The field's bits, at their place in the register.
  @inline(__always) var mask: UInt64 { (~0 &>> (64 &- bitCount)) &<< lowestBit }

  /// The field's value in `register`, moved down to bit 0.
  @inline(__always) func value(in register: UInt64) -> UInt64 { (register & mask) &>> lowestBit }

  /// `value` at the field's place; bits that do not fit are dropped.
  @inline(__always) func placed(_ value: UInt64) -> UInt64 { (value &<< lowestBit) & mask }

  /// `register` with the field replaced by `value`.
  @inline(__always) func replaced(in register: UInt64, by value: UInt64) -> UInt64 {
    (register & ~mask) | placed(value)
  }
}
