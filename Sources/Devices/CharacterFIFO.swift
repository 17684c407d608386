/// Up to 16 characters in order, as the FIFOs of the serial ports have them. Without FIFOs they are one deep.
///
/// Everything mutates, even what only reads: an `InlineArray` that is read through a borrow is copied.
struct CharacterFIFO: ~Copyable {
  static let maximumDepth = 16

  private var bytes = InlineArray<16, UInt8>(repeating: 0)
  private var first = 0
  private(set) var count = 0
  /// 1 or 16.
  private(set) var depth = 1

  var isEmpty: Bool { count == 0 }
  var isFull: Bool { count >= depth }

  /// Drops what is in it.
  mutating func clear() {
    first = 0
    count = 0
  }

  /// Drops what is in it and changes how much it takes.
  mutating func setDepth(_ newDepth: Int) {
    depth = min(max(1, newDepth), Self.maximumDepth)
    clear()
  }

  /// False where there is no room.
  mutating func append(_ byte: UInt8) -> Bool {
    guard !isFull else { return false }
    bytes[(first &+ count) & (Self.maximumDepth &- 1)] = byte
    count &+= 1
    return true
  }

  /// The oldest character, left in place.
  mutating func peek() -> UInt8? {
    isEmpty ? nil : bytes[first]
  }

  mutating func popFirst() -> UInt8? {
    guard let byte = peek() else { return nil }
    first = (first &+ 1) & (Self.maximumDepth &- 1)
    count &-= 1
    return byte
  }
}
