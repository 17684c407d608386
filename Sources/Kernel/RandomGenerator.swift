/// Random numbers that go on for ever from 256 bits nobody knows. Each block of ChaCha20 gives the key of the next and
/// what is handed out, so that nothing of what was given before can be found from what is kept.
public struct RandomGenerator: Sendable {
  private var cipher: ChaCha20

  /// - Parameter seed: Its block, of which the first half becomes the key.
  init(from seed: ChaCha20) {
    cipher = seed
    cipher.takeKeyFromBlock()
  }

  /// The next 192 bits. One block's work, whatever came before.
  ///
  /// - Parameter entropy: Fresh bits of the machine, mixed into the key; 0 where it has none.
  public mutating func next(mixing entropy: (UInt64, UInt64, UInt64)) -> (UInt64, UInt64, UInt64) {
    mix(entropy.0, at: 0)
    mix(entropy.1, at: 2)
    mix(entropy.2, at: 4)
    cipher.makeBlock(nonce: (0, 0, 2), counter: 0)
    let bits = (pair(8), pair(10), pair(12))
    cipher.takeKeyFromBlock()
    return bits
  }

  private mutating func mix(_ bits: UInt64, at index: Int) {
    cipher.mix(UInt32(truncatingIfNeeded: bits), intoKeyAt: index)
    cipher.mix(UInt32(truncatingIfNeeded: bits &>> 32), intoKeyAt: index + 1)
  }

  private mutating func pair(_ index: Int) -> UInt64 { UInt64(cipher[index]) | UInt64(cipher[index + 1]) &<< 32 }
}
