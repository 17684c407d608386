import CAArch64

/// Random bits of the CPU itself (FEAT_RNG).
enum Entropy {
  /// RNDR may have none for a moment; so often it is asked again.
  private static let attemptLimit = 16

  /// 64 bits; nil where the CPU has none, or none now.
  static func read(on identity: CPUIdentity) -> UInt64? {
    guard identity.hasRandomNumbers else { return nil }
    for _ in 0..<attemptLimit {
      var value: UInt64 = 0
      // SAFETY: the value is this function's own.
      if unsafe read_RNDR(&value) != 0 { return value }
    }
    return nil
  }

  /// The firmware's seed with the CPU's own bits over it; those alone where there is no seed; nothing where there is
  /// neither. Set-up only.
  static func strengthened(_ seed: [UInt8], on identity: CPUIdentity) -> [UInt8] {
    var words: [UInt64] = []
    for _ in 0..<4 {
      guard let word = read(on: identity) else { return seed }
      words.append(word)
    }
    var bytes = seed.count == 32 ? seed : [UInt8](repeating: 0, count: 32)
    for index in 0..<32 {
      bytes[index] ^= UInt8(truncatingIfNeeded: words[index / 8] >> UInt64(index % 8 * 8))
    }
    return bytes
  }
}
