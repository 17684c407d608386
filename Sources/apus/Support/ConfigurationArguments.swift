import ArgumentParser
import Foundation
import ImageTool
import Manifest

/// The files of a system and the machine it is for, as `check`, `build` and others take them.
struct ConfigurationArguments: ParsableArguments {
  @Argument(
    help: "One system file, or any number of VM files. Without any: Configs/demo.toml.",
    completion: .file(extensions: ["toml"])
  )
  var files: [String] = []

  @Option(
    help: "The architecture of the machine. Without it: what the system file says, or \(Architecture.standard.name).")
  var arch: Architecture?

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

  /// The files, the demo's where none is named.
  func paths() throws(Failure) -> [String] {
    files.isEmpty ? [try Repository.current().file("Configs/demo.toml").pathFromHere] : files
  }

  /// The architecture that was asked for, by the option or by the system file.
  func architecture() throws(Failure) -> Architecture {
    let paths = try paths()
    return arch ?? SystemDescription.statedArchitecture(paths: paths) ?? .standard
  }

  /// Reads and checks everything. Every mistake is told on the standard error.
  func load() throws(Failure) -> SystemDescription {
    let store = GuestStore(repository: try Repository.current(), architecture: try architecture())
    return try Self.load(try paths(), store, cpus: cpus, memory: memory)
  }

  /// Reads and checks the files for a machine. Every mistake is told on the standard error.
  static func load(
    _ paths: [String], _ store: GuestStore, cpus: Int?, memory: UInt64?
  ) throws(Failure) -> SystemDescription {
    let loaded = SystemDescription.load(
      paths: paths, cpus: cpus, memory: memory, architecture: store.architecture, guests: { _ in store.library })
    if let system = loaded.system { return system }
    let printer = FindingPrinter(hasColours: Terminal.errorHasColours)
    writeAll((printer.text(loaded.findings) + "\n").utf8, to: STDERR_FILENO)
    let mistakes = loaded.findings.count == 1 ? "1 mistake" : "\(loaded.findings.count) mistakes"
    let count = loaded.files.count == 1 ? "1 file" : "\(loaded.files.count) files"
    throw Failure(.configuration, "\(mistakes) in the configuration (\(count) read)")
  }
}
