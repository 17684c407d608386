/// A line of text of bounded length in place: made by interpolation, never allocates, cut where it is full.
///
///     let line: LogText = "vm\(2)/vcpu\(0): stopped at \(hex: 0x4008_0000)"
public struct LogText: ExpressibleByStringInterpolation, Sendable {
  public static let capacity = 240
  private var bytes: InlineArray<240, UInt8>
  public private(set) var byteCount: Int

  public init() {
    bytes = .init(repeating: 0)
    byteCount = 0
  }

  public init(stringLiteral value: StaticString) {
    self.init()
    append(value)
  }

  public init(stringInterpolation interpolation: Interpolation) { self = interpolation.text }

  public subscript(index: Int) -> UInt8 {
    mutating get { bytes[index] }
  }

  public mutating func append(byte: UInt8) {
    guard byteCount < Self.capacity else { return }
    bytes[byteCount] = byte
    byteCount += 1
  }

  public mutating func append(_ text: StaticString) {
    for index in 0..<text.utf8CodeUnitCount {
      // SAFETY: `index` is below the literal's own length.
      append(byte: unsafe text.utf8Start[index])
    }
  }

  public mutating func append(decimal value: UInt64) {
    var divisor: UInt64 = 1
    while value / divisor >= 10 { divisor &*= 10 }
    while divisor > 0 {
      append(byte: UInt8(truncatingIfNeeded: 0x30 &+ (value / divisor) % 10))
      divisor /= 10
    }
  }

  public mutating func append(hex value: UInt64) {
    append("0x")
    var shift = (63 - (value | 1).leadingZeroBitCount) & ~3
    while shift >= 0 {
      let digit = UInt8(truncatingIfNeeded: value &>> UInt64(shift)) & 0xf
      append(byte: digit < 10 ? 0x30 &+ digit : 0x57 &+ digit)
      shift -= 4
    }
  }

  /// Collects the parts of an interpolated line.
  public struct Interpolation: StringInterpolationProtocol {
    var text = LogText()

    public init(literalCapacity: Int, interpolationCount: Int) {}
    public mutating func appendLiteral(_ literal: StaticString) { text.append(literal) }
    public mutating func appendInterpolation(_ value: Int) {
      if value < 0 { text.append(byte: 0x2d) }
      text.append(decimal: UInt64(value.magnitude))
    }
    public mutating func appendInterpolation(_ value: UInt64) { text.append(decimal: value) }
    public mutating func appendInterpolation(hex value: UInt64) { text.append(hex: value) }
    public mutating func appendInterpolation(_ value: StaticString) { text.append(value) }
    public mutating func appendInterpolation(_ bytes: [UInt8]) { for byte in bytes { text.append(byte: byte) } }
    public mutating func appendInterpolation(_ value: LogText) {
      var value = value
      for index in 0..<value.byteCount { text.append(byte: value[index]) }
    }
  }
}
