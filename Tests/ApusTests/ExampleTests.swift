import ArgumentParser
import Foundation
import Testing

@testable import apus

/// Every command that the documentation and the help texts show is one that the command line takes.
struct ExampleTests {
  struct Example: Sendable, CustomTestStringConvertible {
    let place: String
    let words: [String]
    var testDescription: String { place + ": ./apus " + words.joined(separator: " ") }
  }

  private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")

  static let examples: [Example] = {
    let manager = FileManager.default
    let documents = (try? manager.contentsOfDirectory(atPath: root.appending(path: "Documentation").path)) ?? []
    let files =
      ["README.md", "CONTRIBUTING.md"] + documents.filter { $0.hasSuffix(".md") }.map { "Documentation/\($0)" }
    let texts = files.sorted().map { name in
      (name, (try? String(contentsOf: root.appending(path: name), encoding: .utf8)) ?? "")
    }
    let helps = ([Apus.self] + Apus.configuration.subcommands).map { command in
      ("--help of \(command.configuration.commandName ?? "")", command.configuration.discussion)
    }
    return (texts + helps).flatMap { place, text in
      text.split(separator: "\n").compactMap { words(of: String($0)).map { Example(place: place, words: $0) } }
    }
  }()

  /// The words after `./apus` of a line that shows a command; what follows two spaces explains it.
  private static func words(of line: String) -> [String]? {
    let line = line.trimmingCharacters(in: .whitespaces)
    let command = line.hasPrefix("$ ") ? String(line.dropFirst(2)) : line
    guard command.hasPrefix("./apus ") else { return nil }
    let shown = command.split(separator: "  ", maxSplits: 1)[0].split(separator: " #", maxSplits: 1)[0]
    return shown.dropFirst("./apus ".count).split(separator: " ").map { String($0.filter { $0 != "\"" }) }
  }

  @Test func thereAreExamplesInTheReadmeTheDocumentationAndTheHelp() {
    #expect(Self.examples.contains { $0.place == "README.md" })
    #expect(Self.examples.contains { $0.place == "Documentation/CommandLine.md" })
    #expect(Self.examples.contains { $0.place.hasPrefix("--help") })
    #expect(Self.examples.count > 30)
  }

  @Test(arguments: examples) func exampleIsTaken(_ example: Example) throws {
    let passed = PassedArguments(example.words)
    #expect(throws: Never.self) { try Apus.parseAsRoot(passed.own) }
  }
}
