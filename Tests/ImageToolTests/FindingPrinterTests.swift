import Foundation
import Testing

@testable import ImageTool

@Suite struct FindingPrinterTests {
  @Test func marksStandUnderTheTextBehindTabsAndWideCharacters() {
    #expect(excerpt("\tkey = \"日本\" # x\n", marking: "\"日本\"") == ["  1 | \tkey = \"日本\" # x", "    | \t      ^^^^"])
  }

  @Test func longLineIsCutOnBothSides() {
    let lines = excerpt(
      String(repeating: "a", count: 300) + "HERE" + String(repeating: "b", count: 300), marking: "HERE")
    #expect(lines[0].count < 220 && lines[0].contains("…a") && lines[0].contains("HEREb"))
    #expect(lines[1].hasSuffix(" ^^^^"))
  }

  @Test func textOfSeveralLinesIsMarkedInItsFirst() {
    #expect(excerpt("a = [\n 1,\n]\n", marking: "[\n 1,\n]")[1] == "    |     ^")
  }

  @Test func bytesThatATerminalActsOnAreNotPrinted() {
    #expect(excerpt("a = \"\u{1b}[31m\"\n", marking: "a")[0] == "  1 | a = \"\u{fffd}[31m\"")
  }

  @Test func coloursAreOnlyUsedWhenAskedFor() {
    let finding = Finding(SourcePlace(file("a"), 0..<1), "wrong", advice: "right")
    #expect(FindingPrinter(hasColours: true).text([finding]).contains("\u{1b}[1;31merror:\u{1b}[0m"))
    #expect(!FindingPrinter(hasColours: false).text([finding]).contains("\u{1b}"))
  }

  private func file(_ text: String) -> SourceFile {
    SourceFile(path: "x.toml", url: URL(filePath: "/x.toml"), bytes: Array(text.utf8))
  }

  private func excerpt(_ text: String, marking part: String) -> [String] {
    let start = Array(text.utf8).firstRange(of: Array(part.utf8))?.lowerBound ?? 0
    let finding = Finding(SourcePlace(file(text), start..<start + part.utf8.count), "wrong", advice: nil)
    let lines = FindingPrinter(hasColours: false).text([finding]).split(separator: "\n").map(String.init)
    return Array(lines.dropFirst())
  }
}
