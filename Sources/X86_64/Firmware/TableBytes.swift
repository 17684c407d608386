/// Bytes of a table that firmware has left in memory. Little-endian numbers are read at any offset, and never outside.
@safe struct TableBytes {
  private let bytes: UnsafeRawBufferPointer

  /// - Safety: `bytes` stays readable while this value is used.
  @unsafe init(_ bytes: UnsafeRawBufferPointer) {
    // SAFETY: only kept; the caller promises that it stays readable.
    unsafe self.bytes = bytes
  }

  var count: Int {
    // SAFETY: the count is read, not the bytes.
    unsafe bytes.count
  }

  /// Nil where part of the number lies outside.
  func number<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type, at offset: Int) -> Value? {
    guard offset >= 0, offset <= count &- MemoryLayout<Value>.size else { return nil }
    // SAFETY: offset and size were compared with the count just now.
    return Value(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
  }

  func u8(_ offset: Int) -> UInt8? { number(UInt8.self, at: offset) }
  func u16(_ offset: Int) -> UInt16? { number(UInt16.self, at: offset) }
  func u32(_ offset: Int) -> UInt32? { number(UInt32.self, at: offset) }
  func u64(_ offset: Int) -> UInt64? { number(UInt64.self, at: offset) }

  /// Whether the bytes from `offset` on are those of `text`.
  func has(_ text: StaticString, at offset: Int) -> Bool {
    for index in 0..<text.utf8CodeUnitCount {
      // SAFETY: `index` is below the literal's own length.
      let wanted = unsafe text.utf8Start[index]
      guard u8(offset &+ index) == wanted else { return false }
    }
    return true
  }

  /// Whether all bytes add up to zero, as firmware's tables do.
  var sumsToZero: Bool {
    var sum: UInt8 = 0
    for index in 0..<count { sum &+= u8(index) ?? 0 }
    return sum == 0
  }
}

/// How tables are reached: on the bare machine through the direct map, in a host test in an array.
protocol TableMemory {
  /// The bytes from `address` on; nil where they cannot be reached.
  func bytes(at address: UInt64, count: Int) -> TableBytes?
}
