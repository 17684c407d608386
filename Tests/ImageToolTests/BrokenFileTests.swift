import Foundation
import Testing

@testable import ImageTool

/// One broken configuration a rule: `Broken/RULE.toml`, and what is said about it in `Broken/RULE.expected`.
@Suite struct BrokenFileTests {
  static let source = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Broken")
  /// The rules, by the names of their files.
  static let rules: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: source.path)) ?? []
    return names.filter { $0.hasSuffix(".toml") }.map { String($0.dropLast(5)) }.sorted()
  }()
  private static let folder = Result { try TestFolder(copying: source) }

  @Test(arguments: rules) func mistakeIsToldInTheExpectedWords(_ rule: String) throws {
    let folder = try Self.folder.get()
    let messages = folder.messages(folder.load("\(rule).toml"))
    // To write the expectations anew after a change of words: APUS_WRITE_EXPECTED=1 swift test, then read the difference.
    if ProcessInfo.processInfo.environment["APUS_WRITE_EXPECTED"] != nil {
      try messages.write(to: Self.source.appending(path: "\(rule).expected"), atomically: true, encoding: .utf8)
    }
    let expected = try String(contentsOf: Self.source.appending(path: "\(rule).expected"), encoding: .utf8)
    #expect(messages == expected)
    #expect(!messages.isEmpty)
  }

  @Test func thereIsAFileForEachRule() { #expect(Self.rules.count >= 60) }
}
