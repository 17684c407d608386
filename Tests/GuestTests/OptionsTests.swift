import Testing

@testable import GuestKit

struct OptionsTests {
  private let options = Options(
    Array("quiet case=hostile-gic  n=0x1f count=12 bad=1x big=18446744073709551616 n=7 e=".utf8))

  @Test func aWordWithTheKeyGivesItsValue() {
    #expect(options.value("case")?.matches("hostile-gic") == true)
  }

  @Test func theLastWordWithTheKeyCounts() {
    #expect(options.number("n") == 7)
  }

  @Test func aMissingKeyGivesNothing() {
    #expect(options.value("cas") == nil)
    #expect(options.value("quiet") == nil)
  }

  @Test func numbersAreDecimalOrHexadecimal() {
    #expect(options.number("count") == 12)
    #expect(Options(Array("x=0xfF x2=0xff".utf8)).number("x2") == 255)
  }

  @Test(arguments: ["bad=1x", "big=18446744073709551616", "empty=", "hex=0x", "upper=0xF"])
  func whatIsNoNumberOf64BitsGivesNothing(word: String) {
    let options = Options(Array(word.utf8))
    #expect(options.number("bad") == nil)
    #expect(options.number("big") == nil)
    #expect(options.number("empty") == nil)
    #expect(options.number("hex") == nil)
    #expect(options.number("upper") == nil)
  }

  @Test func anEmptyLineHasNoOptions() {
    #expect(Options([]).value("case") == nil)
  }
}
