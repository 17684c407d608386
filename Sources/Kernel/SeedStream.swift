/// Seeds for guests, out of one that the firmware gave: ChaCha20's key stream (RFC 8439, 2.3), so that no guest can tell
/// from its own seeds what another has.
public struct SeedStream: Sendable {
  private var key = InlineArray<8, UInt32>(repeating: 0)

  /// - Parameter key: 32 bytes that nobody else knows. Nil for any other number of them.
  public init?(key bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    for index in 0..<32 { key[index / 4] |= UInt32(bytes[index]) << UInt32(index % 4 * 8) }
  }

  /// 64 bytes of the stream; another `nonce` or `counter` gives others. Set-up only.
  public func block(nonce: (UInt32, UInt32, UInt32), counter: UInt32) -> [UInt8] {
    var cipher = ChaCha20(key: key)
    cipher.makeBlock(nonce: nonce, counter: counter)
    var bytes: [UInt8] = []
    for index in 0..<16 {
      let word = cipher[index]
      for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
    }
    return bytes
  }

  /// Random numbers of somebody's own; another `number` gives others, and none can be told from another's.
  public func generator(_ number: UInt32) -> RandomGenerator {
    var cipher = ChaCha20(key: key)
    cipher.makeBlock(nonce: (number, 0, 1), counter: 0)
    return RandomGenerator(from: cipher)
  }
}
