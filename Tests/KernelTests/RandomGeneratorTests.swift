import Testing

@testable import Kernel

@Suite struct RandomGeneratorTests {
  private func generator(_ number: UInt32) throws -> RandomGenerator {
    try #require(SeedStream(key: Array(0..<32))).generator(number)
  }

  @Test func noTwoOfManyAnswersAreEqual() throws {
    var generator = try generator(0)
    var seen: Set<UInt64> = []
    for _ in 0..<1000 {
      let bits = generator.next(mixing: (0, 0, 0))
      seen.formUnion([bits.0, bits.1, bits.2])
    }
    #expect(seen.count == 3000)
  }

  @Test func generatorsOfOneStreamDiffer() throws {
    var first = try generator(0)
    var second = try generator(1)
    #expect(first.next(mixing: (0, 0, 0)) != second.next(mixing: (0, 0, 0)))
  }

  @Test func whatIsMixedInChangesAllThatFollows() throws {
    var plain = try generator(0)
    var mixed = try generator(0)
    #expect(plain.next(mixing: (0, 0, 0)) != mixed.next(mixing: (0, 0, 1)))
    #expect(plain.next(mixing: (0, 0, 0)) != mixed.next(mixing: (0, 0, 0)))
  }

  @Test func theSameSeedGivesTheSameNumbers() throws {
    var first = try generator(7)
    var second = try generator(7)
    for _ in 0..<10 { #expect(first.next(mixing: (1, 2, 3)) == second.next(mixing: (1, 2, 3))) }
  }

  /// The first half of RFC 8439's block becomes the key, and none of it is handed out.
  @Test func theKeyOfABlockIsForgottenWithIt() {
    var key = InlineArray<8, UInt32>(repeating: 0)
    for index in 0..<8 { key[index] = UInt32(index) }
    var cipher = ChaCha20(key: key)
    cipher.makeBlock(nonce: (0, 0, 0), counter: 0)
    let first = cipher[0]
    cipher.takeKeyFromBlock()
    #expect(cipher[0] == 0)
    cipher.makeBlock(nonce: (0, 0, 0), counter: 0)
    #expect(cipher[0] != first)
  }
}
