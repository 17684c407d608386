/// At most 16 bytes in order, in two machine words: no memory of its own, and nothing to copy on an exit.
struct ByteFIFO: Sendable {
  static let capacity = 16

  /// The oldest byte is the lowest of `low`; bytes at and above `count` are zero.
  private var low: UInt64 = 0
  private var high: UInt64 = 0
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  /// The oldest byte, which stays inside.
  var first: UInt8? { isEmpty ? nil : UInt8(truncatingIfNeeded: low) }

  /// Puts a byte in; false where there is no room.
  @discardableResult mutating func push(_ byte: UInt8) -> Bool {
    guard count < Self.capacity else { return false }
    // `&<<` takes the distance modulo 64, which is what the upper word needs.
    let placed = UInt64(byte) &<< UInt64(truncatingIfNeeded: count &* 8)
    if count < 8 { low |= placed } else { high |= placed }
    count &+= 1
    return true
  }

  /// Takes the oldest byte out.
  mutating func popFirst() -> UInt8? {
    guard let byte = first else { return nil }
    low = low >> 8 | high << 56
    high >>= 8
    count &-= 1
    return byte
  }

  mutating func removeAll() { self = Self() }
}
