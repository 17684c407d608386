import ArgumentParser
import Foundation
import ImageTool

/// The files of a system and the machine it is for, as `check`, `build` and others take them.
struct ConfigurationArguments: ParsableArguments {
  @Argument(
    help: "One system file, or any number of VM files. Without any: Configs/demo.toml.",
    completion: .file(extensions: ["toml"])
  )
  var files: [String] = []

  @Option(help: "CPUs of the machine, instead of what the system file says.")
  var cpus: Int?

  @Option(help: "Memory of the machine, such as 2GiB, instead of what the system file says.", transform: Self.size)
  var memory: UInt64?

  mutating func validate() throws {
    if let cpus, !(1...64).contains(cpus) { throw ValidationError("--cpus is a number from 1 to 64") }
  }

  private static func size(_ text: String) throws -> UInt64 {
    guard let byteCount = ByteSize.parse(text), byteCount > 0 else {
      throw ValidationError("\"\(text)\" is no size; right is a number with KiB, MiB, GiB or TiB, such as 2GiB")
    }
    return byteCount
  }

  /// Reads and checks everything. Every mistake is told on the standard error.
  func load() throws(Failure) -> SystemDescription {
    let paths = files.isEmpty ? [try Self.demo()] : files
    let loaded = SystemDescription.load(paths: paths, cpus: cpus, memory: memory)
    if let system = loaded.system { return system }
    let hasColours = Terminal.isErrorTerminal && HostEnvironment.variables["NO_COLOR"] == nil
    writeAll((FindingPrinter(hasColours: hasColours).text(loaded.findings) + "\n").utf8, to: STDERR_FILENO)
    let mistakes = loaded.findings.count == 1 ? "1 mistake" : "\(loaded.findings.count) mistakes"
    let count = loaded.files.count == 1 ? "1 file" : "\(loaded.files.count) files"
    throw Failure(.configuration, "\(mistakes) in the configuration (\(count) read)")
  }

  /// The demo, by the shortest path from here.
  private static func demo() throws(Failure) -> String {
    let demo = try Repository.current().file("Configs/demo.toml").standardizedFileURL.path
    let here = FileManager.default.currentDirectoryPath + "/"
    return demo.hasPrefix(here) ? String(demo.dropFirst(here.count)) : demo
  }
}
