/// ChaCha20's block function (RFC 8439, 2.3), in place: nothing is allocated.
public struct ChaCha20: Sendable {
  private var start = InlineArray<16, UInt32>(repeating: 0)
  private var words = InlineArray<16, UInt32>(repeating: 0)

  /// - Parameter key: As eight little-endian words.
  public init(key: InlineArray<8, UInt32>) {
    start[0] = 0x6170_7865
    start[1] = 0x3320_646e
    start[2] = 0x7962_2d32
    start[3] = 0x6b20_6574
    for index in 0..<8 { start[4 + index] = key[index] }
  }

  /// Mixes a word into the key, 0 to 7.
  mutating func mix(_ word: UInt32, intoKeyAt index: Int) { start[4 + index] ^= word }

  /// The first half of the block that was made last becomes the key, and the block is forgotten.
  mutating func takeKeyFromBlock() {
    for index in 0..<8 { start[4 + index] = words[index] }
    for index in 0..<16 { words[index] = 0 }
  }

  /// A word of the block that was made last, 0 to 15.
  public subscript(index: Int) -> UInt32 {
    mutating get { words[index] }
  }

  /// Makes the 64 bytes of the stream that `nonce` and `counter` name.
  public mutating func makeBlock(nonce: (UInt32, UInt32, UInt32), counter: UInt32) {
    start[12] = counter
    start[13] = nonce.0
    start[14] = nonce.1
    start[15] = nonce.2
    for index in 0..<16 { words[index] = start[index] }
    for _ in 0..<10 {
      quarterRound(0, 4, 8, 12)
      quarterRound(1, 5, 9, 13)
      quarterRound(2, 6, 10, 14)
      quarterRound(3, 7, 11, 15)
      quarterRound(0, 5, 10, 15)
      quarterRound(1, 6, 11, 12)
      quarterRound(2, 7, 8, 13)
      quarterRound(3, 4, 9, 14)
    }
    for index in 0..<16 { words[index] &+= start[index] }
  }

  /// RFC 8439, 2.1.
  @inline(__always) private mutating func quarterRound(_ a: Int, _ b: Int, _ c: Int, _ d: Int) {
    words[a] &+= words[b]
    words[d] = Self.rotated(words[d] ^ words[a], by: 16)
    words[c] &+= words[d]
    words[b] = Self.rotated(words[b] ^ words[c], by: 12)
    words[a] &+= words[b]
    words[d] = Self.rotated(words[d] ^ words[a], by: 8)
    words[c] &+= words[d]
    words[b] = Self.rotated(words[b] ^ words[c], by: 7)
  }

  @inline(__always) private static func rotated(_ value: UInt32, by count: UInt32) -> UInt32 {
    value &<< count | value &>> (32 &- count)
  }
}
