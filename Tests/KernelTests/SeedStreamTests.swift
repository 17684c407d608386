import Testing

@testable import Kernel

@Suite struct SeedStreamTests {
  /// RFC 8439, 2.3.2.
  @Test func theBlockOfTheStandardsExampleComesOut() throws {
    let stream = try #require(SeedStream(key: Array(0..<32)))
    let block = stream.block(nonce: (0x0900_0000, 0x4a00_0000, 0), counter: 1)
    #expect(
      block.prefix(16) == [
        0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4,
      ])
    #expect(block.suffix(4) == [0xa2, 0x50, 0x3c, 0x4e])
    #expect(block.count == 64)
  }

  @Test func aKeyOfAnotherLengthIsRefused() { #expect(SeedStream(key: [1, 2, 3]) == nil) }
}
