import Foundation

extension Data {
  /// The little-endian number at `offset` from the first byte; nil where it leaves the data.
  func number<Number: FixedWidthInteger & UnsignedInteger>(_ type: Number.Type, at offset: Int) -> Number? {
    let byteCount = Number.bitWidth / 8
    guard offset >= 0, offset <= count - byteCount else { return nil }
    return (0..<byteCount).reduce(Number(0)) { result, index in
      result | Number(self[startIndex + offset + index]) << Number(8 * index)
    }
  }

  /// The bytes from `offset` on; nil where they leave the data.
  func bytes(at offset: UInt64, count byteCount: UInt64) -> Data? {
    guard offset <= UInt64(count), byteCount <= UInt64(count) - offset else { return nil }
    let start = startIndex + Int(offset)
    return self[start..<start + Int(byteCount)]
  }

  func hasBytes(_ bytes: [UInt8], at offset: Int) -> Bool {
    offset >= 0 && count >= offset + bytes.count
      && self[startIndex + offset..<startIndex + offset + bytes.count].elementsEqual(bytes)
  }
}
