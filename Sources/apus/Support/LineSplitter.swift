/// Cuts a stream of bytes into lines. A carriage return before the line's end is dropped; bytes that are no UTF-8 are
/// shown as replacement characters.
struct LineSplitter {
  /// Bytes that a line may have; a longer one is cut there, so that a stream without line ends is bounded.
  static let longestLine = 16 * 1024

  private var pending: [UInt8] = []

  /// Takes bytes in and returns the lines that they complete.
  mutating func take(_ bytes: some Sequence<UInt8>) -> [String] {
    var lines: [String] = []
    for byte in bytes {
      if byte == UInt8(ascii: "\n") || pending.count == Self.longestLine {
        lines.append(cut())
        if byte == UInt8(ascii: "\n") { continue }
      }
      pending.append(byte)
    }
    return lines
  }

  /// The last line, where the stream ended without a line end.
  mutating func finish() -> String? {
    pending.isEmpty ? nil : cut()
  }

  private mutating func cut() -> String {
    while pending.last == UInt8(ascii: "\r") { pending.removeLast() }
    defer { pending.removeAll(keepingCapacity: true) }
    return String(decoding: pending, as: UTF8.self)
  }
}
