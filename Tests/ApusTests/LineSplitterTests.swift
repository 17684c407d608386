import Testing

@testable import apus

struct LineSplitterTests {
  @Test func lineIsGivenOnceItsEndHasCome() {
    var splitter = LineSplitter()
    #expect(splitter.take(Array("one\r\ntw".utf8)) == ["one"])
    #expect(splitter.take(Array("o\n\n".utf8)) == ["two", ""])
    #expect(splitter.finish() == nil)
  }

  @Test func lastLineWithoutAnEndIsKept() {
    var splitter = LineSplitter()
    #expect(splitter.take(Array("prompt# ".utf8)) == [])
    #expect(splitter.finish() == "prompt# ")
  }

  @Test func streamWithoutLineEndsIsCut() {
    var splitter = LineSplitter()
    let lines = splitter.take([UInt8](repeating: 65, count: LineSplitter.longestLine * 2 + 1))
    #expect(lines.map(\.utf8.count) == [LineSplitter.longestLine, LineSplitter.longestLine])
    #expect(splitter.finish() == "A")
  }

  @Test func bytesThatAreNoTextAreReplaced() {
    var splitter = LineSplitter()
    #expect(splitter.take([0xFF, 0x0A]) == ["\u{FFFD}"])
  }
}
