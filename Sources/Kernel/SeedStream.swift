/// Seeds for guests, out of one that the firmware gave: ChaCha20's key stream (RFC 8439, 2.3), so that no guest can tell
/// from its own seeds what another has.
public struct SeedStream: Sendable {
  private let key: [UInt32]

  /// - Parameter key: 32 bytes that nobody else knows. Nil for any other number of them.
  public init?(key bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    var key: [UInt32] = []
    for index in 0..<8 { key.append(Self.word(bytes, at: index * 4)) }
    self.key = key
  }

  private static func word(_ bytes: [UInt8], at offset: Int) -> UInt32 {
    UInt32(bytes[offset]) | UInt32(bytes[offset + 1]) << 8 | UInt32(bytes[offset + 2]) << 16
      | UInt32(bytes[offset + 3]) << 24
  }

  /// 64 bytes of the stream; another `nonce` or `counter` gives others.
  public func block(nonce: (UInt32, UInt32, UInt32), counter: UInt32) -> [UInt8] {
    var start: [UInt32] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]
    start += key
    start += [counter, nonce.0, nonce.1, nonce.2]
    var state = start
    for _ in 0..<10 {
      Self.quarterRound(&state, 0, 4, 8, 12)
      Self.quarterRound(&state, 1, 5, 9, 13)
      Self.quarterRound(&state, 2, 6, 10, 14)
      Self.quarterRound(&state, 3, 7, 11, 15)
      Self.quarterRound(&state, 0, 5, 10, 15)
      Self.quarterRound(&state, 1, 6, 11, 12)
      Self.quarterRound(&state, 2, 7, 8, 13)
      Self.quarterRound(&state, 3, 4, 9, 14)
    }
    var bytes: [UInt8] = []
    for index in 0..<16 {
      let word = state[index] &+ start[index]
      for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
    }
    return bytes
  }

  private static func quarterRound(_ state: inout [UInt32], _ a: Int, _ b: Int, _ c: Int, _ d: Int) {
    func rotated(_ value: UInt32, by count: UInt32) -> UInt32 { value << count | value >> (32 - count) }
    state[a] &+= state[b]
    state[d] = rotated(state[d] ^ state[a], by: 16)
    state[c] &+= state[d]
    state[b] = rotated(state[b] ^ state[c], by: 12)
    state[a] &+= state[b]
    state[d] = rotated(state[d] ^ state[a], by: 8)
    state[c] &+= state[d]
    state[b] = rotated(state[b] ^ state[c], by: 7)
  }
}
