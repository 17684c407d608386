import Foundation
import Manifest
import Testing

@testable import ImageTool

/// Documentation/Configuration.md says what the parser does.
@Suite struct DocumentationTests {
  private let text: String

  init() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
    text = try String(contentsOf: root.appending(path: "Documentation/Configuration.md"), encoding: .utf8)
  }

  @Test(arguments: Schema.all.map(\.title)) func sectionListsExactlyTheKeysOfItsTable(_ title: String) throws {
    let schema = try #require(Schema.all.first { $0.title == title })
    let rows = try rows(of: title)
    #expect(rows.map(\.key).sorted() == schema.names.sorted())
    let required = rows.filter { $0.default == "required" }.map(\.key).sorted()
    #expect(required == schema.keys.filter(\.isRequired).map(\.name).sorted())
  }

  @Test func everyWordOfEveryChoiceIsThere() {
    func words<Word: ManifestWord>(_ type: Word.Type) -> [String] { Word.allCases.map { "`\"\($0.word)\"`" } }
    let all =
      words(WhenAllStopped.self) + words(LogLevel.self) + words(VMReaction.self) + words(IdleMode.self)
      + words(BootProtocol.self) + words(DeviceKind.self) + words(KernelFormat.self) + words(Architecture.self)
    #expect(all.filter { !text.contains($0) } == [])
  }

  @Test func limitsAreThoseOfTheManifest() {
    let machine = Architecture.aarch64.guestMachine
    let other = Architecture.riscv64.guestMachine
    for phrase in [
      "vCPUs, 1 to \(ManifestLimits.vcpus)", "1 to \(ManifestLimits.nameByteCount) letters",
      "at most \(ManifestLimits.commandLineByteCount) bytes", "Up to \(ManifestLimits.memoryRanges) ranges",
      "At most \(ManifestLimits.images) with", "At most \(ManifestLimits.devices).",
      "files, at most \(ManifestLimits.vms)",
      "many, 1 to \(ManifestLimits.physicalCPUs)", "SPI, 0 to \(machine.interrupts.upperBound - 1)",
      "PLIC's source, \(other.interrupts.lowerBound) to \(other.interrupts.upperBound - 1)",
      "on riscv64 \(other.uart.interrupt) and \(other.clock.interrupt)",
      "\(MachineDescription.standard.cpus) CPUs, \(ByteSize.text(MachineDescription.standard.memory))",
      "keeps \(ByteSize.text(MachineDescription.hypervisorByteCount))",
    ] {
      #expect(text.contains(phrase), "\(phrase)")
    }
  }

  @Test func examplesAreWithoutMistake() throws {
    let folder = try TestFolder()
    for (name, source) in [
      ("Image", "Image"), ("initramfs.cpio.gz", "ramdisk.cpio"), ("program.bin", "raw.bin"), ("data.bin", "text"),
    ] {
      try FileManager.default.copyItem(
        at: folder.url.appending(path: "images/\(source)"), to: folder.url.appending(path: name))
    }
    let examples = text.components(separatedBy: "```toml\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
    #expect(examples.count == 4)
    for (index, example) in examples.enumerated() { try folder.write("example\(index).toml", example) }
    // The system of the last example has the VM of the second one, under both names.
    try folder.write("linux-a.toml", examples[1])
    try folder.write(
      "linux-b.toml",
      examples[1].replacingOccurrences(of: "linux-a", with: "linux-b")
        .replacingOccurrences(of: "[[0], [1]]", with: "[[2], [3]]"))
    for index in examples.indices {
      #expect(folder.messages(folder.load("example\(index).toml")) == "")
    }
  }

  @Test func messageInTheTextIsWhatCheckSays() throws {
    let folder = try TestFolder()
    try folder.write("mine.toml", "name = \"a\"\n\nmemory = \"256MB\"\n[kernel]\npath = \"images/Image\"\n")
    let lines = folder.messages(folder.load("mine.toml")).split(separator: "\n")
    #expect(text.contains(lines.map { "    \($0)" }.joined(separator: "\n")))
  }

  /// The first and last column of the table below a heading.
  private func rows(of title: String) throws -> [(key: String, default: String)] {
    let section = try #require(text.components(separatedBy: "\n## \(title)\n").dropFirst().first)
    let lines = section.components(separatedBy: "\n## ")[0].split(separator: "\n").filter { $0.hasPrefix("| `") }
    return lines.map { line in
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      return (String(cells[0].dropFirst().dropLast()), cells.count > 2 ? cells[2] : "")
    }
  }
}
