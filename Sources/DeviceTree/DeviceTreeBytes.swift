/// Bytes inside a flattened device tree: a name, a string or a whole value, without the zero that ends it.
///
/// Lives as long as the tree it was read from.
@safe public struct DeviceTreeBytes: RandomAccessCollection, Equatable {
  @usableFromInline let bytes: UnsafeRawBufferPointer

  /// - Safety: `bytes` stays readable while this value is used.
  @unsafe public init(_ bytes: UnsafeRawBufferPointer) {
    // SAFETY: only kept; the caller promises that it stays readable.
    unsafe self.bytes = bytes
  }

  @inlinable public var startIndex: Int { 0 }
  @inlinable public var endIndex: Int {
    // SAFETY: the count is read, not the bytes.
    unsafe bytes.count
  }

  @inlinable public subscript(index: Int) -> UInt8 {
    precondition(index >= 0 && index < endIndex, "index outside of the bytes")
    // SAFETY: the index was compared with both ends just now.
    return unsafe bytes[index]
  }

  /// The bytes in `range`; nil where it leaves these.
  public func slice(_ range: Range<Int>) -> DeviceTreeBytes? {
    guard range.lowerBound >= 0, range.upperBound <= endIndex else { return nil }
    // SAFETY: the range was compared with both ends just now.
    return unsafe DeviceTreeBytes(UnsafeRawBufferPointer(rebasing: bytes[range]))
  }

  /// The first byte at or after `start`, which is not negative, that is `value`; nil where there is none.
  func firstIndex(of value: UInt8, from start: Int) -> Int? {
    // SAFETY: only the address is read.
    guard start >= 0, let base = unsafe bytes.baseAddress else { return nil }
    var index = start
    while index < endIndex {
      // SAFETY: `index` is not negative and below the count, compared just now.
      if unsafe base.load(fromByteOffset: index, as: UInt8.self) == value { return index }
      index &+= 1
    }
    return nil
  }

  /// The big-endian word at `offset`; nil where it leaves the bytes.
  func word(at offset: Int) -> UInt32? {
    // SAFETY: only the address is read.
    guard offset >= 0, offset <= endIndex &- 4, let base = unsafe bytes.baseAddress else { return nil }
    // SAFETY: the four bytes lie inside, by the comparisons above.
    return UInt32(bigEndian: unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// Whether `text`, which is ASCII, and the zero that ends it stand at `offset`.
  func holds(_ text: StaticString, at offset: Int) -> Bool {
    precondition(text.hasPointerRepresentation, "a text of one character")
    let count = text.utf8CodeUnitCount
    // SAFETY: only the address is read.
    guard offset >= 0, offset < endIndex &- count, let base = unsafe bytes.baseAddress else { return false }
    var index = 0
    while index < count {
      // SAFETY: `offset + index` is below the count, by the comparison above, and `index` below the text's own.
      if unsafe text.utf8Start[index] != base.load(fromByteOffset: offset &+ index, as: UInt8.self) { return false }
      index &+= 1
    }
    // SAFETY: `offset + count` is below the count of the bytes, by the comparison above.
    return unsafe base.load(fromByteOffset: offset &+ count, as: UInt8.self) == 0
  }

  /// The big-endian doubleword at `offset`; nil where it leaves the bytes.
  func doubleword(at offset: Int) -> UInt64? {
    guard let high = word(at: offset), let low = word(at: offset &+ 4) else { return nil }
    return UInt64(high) << 32 | UInt64(low)
  }

  public static func == (left: Self, right: Self) -> Bool { left.elementsEqual(right) }

  public static func == (left: Self, right: StaticString) -> Bool {
    left.count == right.utf8CodeUnitCount && left.starts(with: right)
  }

  /// Whether these bytes begin with `prefix`, which is ASCII.
  public func starts(with prefix: StaticString) -> Bool {
    precondition(prefix.hasPointerRepresentation, "a text of one character")
    guard prefix.utf8CodeUnitCount <= count else { return false }
    var index = 0
    while index < prefix.utf8CodeUnitCount {
      // SAFETY: a static string keeps `utf8CodeUnitCount` bytes for ever, and `index` is below that.
      if unsafe prefix.utf8Start[index] != self[index] { return false }
      index &+= 1
    }
    return true
  }
}

/// The bytes of a text that the compiler keeps.
func bytes(of text: StaticString) -> [UInt8] {
  precondition(text.hasPointerRepresentation, "a text of one character")
  // SAFETY: a static string keeps `utf8CodeUnitCount` bytes for ever.
  return unsafe [UInt8](UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
}
