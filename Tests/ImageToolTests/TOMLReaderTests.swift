import Foundation
import TOMLKit
import TestSupport
import Testing

@testable import ImageTool

/// Our reader takes the texts that TOMLKit takes, and reads the same values from them.
@Suite struct TOMLReaderTests {
  private static let valid: [String] = [
    "",
    "# nothing\n\n",
    "a = 1",
    "a=1#b=2\r\nc = 'x' # d\r\n",
    "\u{feff}a = 1\n",
    "  a\t =\t0x4020_0000  \n",
    "\"a b\" = 1\n'c.d' = 2\n\"e\\u00e9\\n\" = 3\n\"\" = 4\n",
    "a.b.c = 1\na.b.d = 2\na . e = 3\n\"x\".y.'z' = 4\n",
    "[a]\nb = 1\n[a.c]\nd = 2\n[e.f.g]\n[e]\nh = 3\n",
    "[ a . b ]\nc = 1\n",
    "[[a]]\nb = 1\n[[a]]\nb = 2\n[a.c]\nd = 3\n[[a.e]]\nf = 4\n[[a.e]]\nf = 5\n[[a]]\n",
    "a = [1, 2, 3]\nb = [ ]\nc = [[0], [1, 2], []]\nd = [\n  1, # one\n  2,\n]\n",
    "a = { }\nb = { c = 1, d.e = 2, \"f g\" = [ { h = 3 }, {} ] }\n",
    "a = [ { address = 0x4000_0000, size = \"64MiB\" }, { address = 1, size = \"2\" } ]\n",
    "a = \"x\\\"y\\\\\"\nb = 'C:\\'\nc = \"#]},\"\nd = '\"'\n",
    "a = \"\"\"\nx \"y\" ]\n\\\"\"\" # not the end\n\"\"\"\nb = '''\nit's [\n'''\nc = \"\"\"z\"\"\"\"\"\nd = ''''x'''\ne = 1\n",
    "a = \"\"\nb = ''\nc = \"\"\"\"\"\"\nd = ''''''\n",
    "a = 1979-05-27T07:32:00Z\nb = 1979-05-27 07:32:00\nc = 07:32:00\nd = 1979-05-27\n",
    "a = 1.5\nb = -1e10\nc = inf\nd = nan\ne = +1\nf = 0b1010\ng = 0o17\nh = true\ni = false\n",
    "\"ключ\" = 1\n\"日本\" = \"語\"\n",
    "a = [\"x\", 'y', \"\"\"z\"\"\", 1, true, [], {}]\n",
    "[a]\n[a.b]\n[a.b.c]\nd = [{e=1},\n{e=2}]\n",
  ]

  private static let invalid: [String] = [
    "a", "a =", "= 1", "a = 1 b = 2", "a = b", "a = \"x", "a = 'x", "a = \"\"\"x", "a = [1, 2", "a = [1 2]",
    "a = { b = 1", "a = { b = 1, }", "a = {\nb = 1 }", "[a", "[a]]", "[[a]", "[]", "[a] b = 1", "a. = 1", ".a = 1",
    "a..b = 1", "a = 1\na = 2", "a = 1\na.b = 2", "a.b = 1\na = 2", "[a]\n[a]", "a = 1\n[a]", "a = []\n[[a]]",
    "[[a]]\n[a]", "[a]\n[[a]]", "a = {}\n[a.b]", "a = {}\na.b = 1", "[a.b]\n[a]\nb.c = 1", "[a]\nb.c = 1\n[a.b]",
    "a = 01", "a = 1_", "a = _1", "a = 1__0", "a = 0x", "a = 0xg", "a = -0x1", "a = 1.", "a = .5", "a = 1e",
    "a = +true",
    "a = 9223372036854775808", "a = tru", "a = 2024-13-01", "a = 2023-02-29", "a = 24:00:00", "a = 2024-01-01T",
    "a = \"\\x\"", "a = \"\\u12\"", "a = \"\\ud800\"", "a = \"\u{1}\"", "a = 'x\ny'", "\"\"\"a\"\"\" = 1",
    "# \u{1}\na = 1", "a = \"\"\"\\ x\"\"\"",
  ]

  @Test(arguments: valid) func validTextIsReadAsTOMLKitReadsIt(_ text: String) throws {
    let (item, findings) = read(text)
    #expect(findings.isEmpty)
    let expected = try TOMLTable(string: text)
    #expect(try differences(expected.tomlValue, #require(item), path: "").isEmpty)
  }

  @Test(arguments: invalid) func invalidTextIsRefusedByBoth(_ text: String) {
    #expect(throws: TOMLParseError.self) { try TOMLTable(string: text) }
    let findings = read(text).findings
    #expect(!findings.isEmpty)
    #expect(findings.allSatisfy { $0.place.range.map { $0.upperBound <= text.utf8.count } ?? false })
  }

  @Test func everyBrokenAndDemoFileIsReadAsTOMLKitReadsIt() throws {
    let tests = URL(filePath: #filePath).deletingLastPathComponent()
    let folders = ["Broken", "Broken/parts", "../../Configs"].map { tests.appending(path: $0) }
    let files = try folders.flatMap {
      try FileManager.default.contentsOfDirectory(at: $0, includingPropertiesForKeys: nil)
    }.filter { $0.pathExtension == "toml" && !$0.lastPathComponent.hasPrefix("toml-") }
      // TOMLKit ends a text at its first zero.
      .filter { $0.lastPathComponent != "command-line-zero.toml" }
    for file in files {
      let text = try String(contentsOf: file, encoding: .utf8)
      let item = try #require(read(text).item)
      #expect(try differences(TOMLTable(string: text).tomlValue, item, path: "").isEmpty, "\(file.lastPathComponent)")
    }
    #expect(files.count > 100)
  }

  /// Each ends the program in TOMLKit 0.6.0, by an assertion of the toml++ in it.
  @Test(arguments: ["[é]", "[.]", "[=]", "a = [,]", "a = [}"]) func textThatTOMLKitCannotRefuseIsRefused(_ text: String)
  {
    #expect(!read(text).findings.isEmpty)
  }

  @Test func placesAreThoseOfKeysAndValues() throws {
    let (item, _) = read("name = \"a\"  # x\n[kernel]\n  path = 'b'\nlist = [ 1,\n 22 ]\n")
    let root = try entries(item)
    #expect(root["name"].map { [$0.keyPlace.string, $0.value.place.string] } == ["name", "\"a\""])
    #expect(root["kernel"]?.value.place.string == "[kernel]")
    let kernel = try entries(root["kernel"]?.value)
    #expect(kernel["path"].map { [$0.keyPlace.line, $0.keyPlace.column, $0.value.place.column] } == [3, 3, 10])
    #expect(kernel["list"]?.value.place.string == "[ 1,\n 22 ]")
    #expect(try items(kernel["list"]?.value).map(\.place.string) == ["1", "22"])
  }

  @Test func columnsCountCharacters() throws {
    let (item, _) = read("\"日本\" = [ \"語\", 7 ]")
    #expect(try items(entries(item)["日本"]?.value).map(\.place.column) == [10, 15])
  }

  @Test func everyMistakeOfAFileIsTold() {
    let text = "a = \nb = [1,\n  2 3,\n  4]\nc = 'x\n[d\ne = 1\nd.f = 2\nc = 5\n"
    #expect(read(text).findings.map(\.place.line) == [1, 3, 5, 6])
  }

  @Test func keyWithoutReadableValueIsThereAllTheSame() throws {
    #expect(try entries(read("a = ?\nb = 1\n").item).keys.sorted() == ["a", "b"])
  }

  @Test func anyTextEndsTheReader() {
    var generator = SeededGenerator(seed: 7)
    let pieces = [
      "[", "]", "{", "}", "=", ".", ",", "\"", "'", "\"\"\"", "'''", "\\", "\n", "\r", "a", "#", " ", "1", "é",
    ]
    for _ in 0..<20000 {
      let text = (0..<Int.random(in: 0...24, using: &generator))
        .map { _ in pieces[Int.random(in: 0..<pieces.count, using: &generator)] }.joined()
      #expect(read(text).item != nil)
    }
  }

  @Test func randomLinesAreTakenOrRefusedAsTOMLKitDoes() {
    // No brackets of their own: TOMLKit ends the program at some that are wrong.
    var generator = SeededGenerator(seed: 11)
    let pieces = [
      "a", "b", "\"c\"", "'d'", ".", "=", " = ", ", ", "{", "}", "1", "0x1f", "-2", "1.5", "true", "\"x\\n\"", "[]",
      "[1, 2]",
    ]
    var taken = 0
    for _ in 0..<20000 {
      let text =
        "k = "
        + (0..<Int.random(in: 1...12, using: &generator))
        .map { _ in pieces[Int.random(in: 0..<pieces.count, using: &generator)] }.joined()
      let (item, findings) = read(text)
      let table = try? TOMLTable(string: text)
      #expect((table != nil) == findings.isEmpty, "\(text.debugDescription)")
      taken += findings.isEmpty ? 1 : 0
      let found = item.flatMap { item in table.map { differences($0.tomlValue, item, path: "") } } ?? []
      #expect(found.isEmpty, "\(text.debugDescription)")
    }
    #expect(taken > 200)
  }

  // MARK: Helpers

  private func read(_ text: String) -> (item: ConfigurationItem?, findings: [Finding]) {
    let findings = Findings()
    let file = SourceFile(path: "x.toml", url: URL(filePath: "/x.toml"), bytes: Array(text.utf8))
    return (TOMLReader.read(file, findings), findings.all)
  }

  private func entries(_ item: ConfigurationItem?) throws -> [String: ConfigurationEntry] {
    guard case .table(let entries)? = item?.content else { throw CocoaError(.keyValueValidation) }
    return Dictionary(uniqueKeysWithValues: entries.map { ($0.key, $0) })
  }

  private func items(_ item: ConfigurationItem?) throws -> [ConfigurationItem] {
    guard case .array(let items)? = item?.content else { throw CocoaError(.keyValueValidation) }
    return items
  }

  private func differences(_ value: TOMLValue, _ item: ConfigurationItem, path: String) -> [String] {
    switch (value.type, item.content) {
    case (.table, .table(let entries)):
      let keys = value.table?.keys.sorted() ?? []
      guard keys == entries.map(\.key).sorted() else { return ["\(path): keys \(keys)"] }
      return entries.flatMap { entry in
        value[entry.key].map { differences($0, entry.value, path: "\(path).\(entry.key)") } ?? [path]
      }
    case (.array, .array(let items)):
      guard let array = value.array, array.count == items.count else { return ["\(path): \(items.count) items"] }
      return items.enumerated().flatMap { differences(array[$0].tomlValue, $1, path: "\(path)[\($0)]") }
    case (.string, .string(let text)): return value.string == text ? [] : ["\(path): \(text)"]
    case (.int, .integer(let number)): return value.int == number ? [] : ["\(path): \(number)"]
    case (.bool, .boolean(let bool)): return value.bool == bool ? [] : ["\(path): \(bool)"]
    case (.double, .number(let number)):
      return value.double == number || value.double?.isNaN ?? false && number.isNaN ? [] : ["\(path): \(number)"]
    case (.date, .date), (.time, .date), (.dateTime, .date): return []
    default: return ["\(path): \(value.type) and \(item.kind)"]
    }
  }
}
