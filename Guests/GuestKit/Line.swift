/// One line of the guest's log, built in place: no heap, so that any case may report at any time. A text that is too
/// long is cut.
public struct Line {
  private var bytes = InlineArray<200, UInt8>(repeating: 0)
  public private(set) var byteCount = 0

  public init() {}

  public mutating func byte(_ value: UInt8) {
    guard byteCount < bytes.count else { return }
    bytes[byteCount] = value
    byteCount += 1
  }

  public mutating func text(_ value: StaticString) {
    for index in 0..<value.utf8CodeUnitCount {
      // SAFETY: the index is below the number of code units, and a literal of one scalar is never passed.
      byte(unsafe value.utf8Start[index])
    }
  }

  public mutating func text(_ value: ArraySlice<UInt8>) {
    for character in value { byte(character >= 0x20 && character < 0x7F ? character : 0x3F) }
  }

  public mutating func decimal(_ value: UInt64) {
    var divisor: UInt64 = 1
    while value / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      byte(UInt8(truncatingIfNeeded: value / divisor % 10) + 0x30)
      divisor /= 10
    }
  }

  public mutating func decimal(_ value: Int) {
    if value < 0 { byte(0x2D) }
    decimal(UInt64(value.magnitude))
  }

  public mutating func hex(_ value: UInt64) {
    text("0x")
    var shift = 60
    while shift > 0 && value >> UInt64(shift) == 0 { shift -= 4 }
    while shift >= 0 {
      let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift) & 0xF)
      byte(digit < 10 ? digit + 0x30 : digit + 0x57)
      shift -= 4
    }
  }

  /// Gives every byte to `write`, in order.
  public mutating func forEach(_ write: (UInt8) -> Void) {
    for index in 0..<byteCount { write(bytes[index]) }
  }
}
