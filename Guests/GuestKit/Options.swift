/// The words `key=value` of the guest's command line, as in `case=smoke input=1`. Other words are skipped.
public struct Options {
  private let bytes: [UInt8]

  public init(_ commandLine: [UInt8]) {
    bytes = commandLine
  }

  /// The value of the last word with this key, or `nil`.
  public func value(_ key: StaticString) -> ArraySlice<UInt8>? {
    var found: ArraySlice<UInt8>?
    var start = 0
    while start < bytes.count {
      var end = start
      while end < bytes.count && bytes[end] > 0x20 { end += 1 }
      let equals = start + key.utf8CodeUnitCount
      if equals < end, bytes[equals] == 0x3D, bytes[start..<equals].matches(key) {
        found = bytes[(equals + 1)..<end]
      }
      start = end + 1
    }
    return found
  }

  /// A decimal or `0x` number, or `nil` when the key is missing or its value is not a number of 64 bits.
  public func number(_ key: StaticString) -> UInt64? {
    guard var digits = value(key), !digits.isEmpty else { return nil }
    var radix: UInt64 = 10
    if digits.count > 2, digits[digits.startIndex] == 0x30, digits[digits.startIndex + 1] == 0x78 {
      radix = 16
      digits = digits.dropFirst(2)
    }
    var number: UInt64 = 0
    for character in digits {
      let digit: UInt64
      switch character {
      case 0x30...0x39: digit = UInt64(character) - 0x30
      case 0x61...0x66: digit = UInt64(character) - 0x57
      default: return nil
      }
      let (product, tooLarge) = number.multipliedReportingOverflow(by: radix)
      let (sum, overflow) = product.addingReportingOverflow(digit)
      guard digit < radix, !tooLarge, !overflow else { return nil }
      number = sum
    }
    return number
  }
}

extension ArraySlice<UInt8> {
  /// Whether the bytes are exactly those of `text`.
  public func matches(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for index in 0..<count {
      // SAFETY: the index is below the number of code units, which was compared above.
      if unsafe text.utf8Start[index] != self[startIndex + index] { return false }
    }
    return true
  }
}
