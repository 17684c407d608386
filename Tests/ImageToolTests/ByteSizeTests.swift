import Testing

@testable import ImageTool

@Suite struct ByteSizeTests {
  @Test func unitsArePowersOf1024() {
    #expect(ByteSize.parse("1KiB") == 1024)
    #expect(ByteSize.parse("256MiB") == 256 << 20)
    #expect(ByteSize.parse("64 GiB") == 64 << 30)
    #expect(ByteSize.parse("16777215TiB") == 0xffff_ff00_0000_0000)
  }

  @Test func otherTextsAreNoSizes() {
    for text in ["", "MiB", "256", "256MB", "1.5GiB", "-1MiB", "16777216TiB", "99999999999999999999KiB"] {
      #expect(ByteSize.parse(text) == nil, "\(text)")
    }
  }

  @Test func textIsInTheLargestUnitThatFits() {
    #expect(ByteSize.text(2 << 30) == "2 GiB")
    #expect(ByteSize.text(1536 << 20) == "1536 MiB")
    #expect(ByteSize.text(1000) == "1000 bytes")
    #expect(ByteSize.text(0) == "0 bytes")
  }
}
