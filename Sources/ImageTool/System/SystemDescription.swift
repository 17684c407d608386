import Foundation
import Manifest

/// A configuration without a mistake, its files read and placed: what a bundle is made from.
///
///     let loaded = SystemDescription.load(paths: ["demo.toml"], cpus: 4)
///     guard let system = loaded.system else { print(FindingPrinter(hasColours: false).text(loaded.findings)) … }
///     try SystemBundle.make(from: system).write(to: url)
public struct SystemDescription {
  /// The machine that the system was checked against: start it with these CPUs and this memory.
  public let machine: MachineDescription
  /// The manifest, without the places in the bundle.
  var manifest: SystemManifest
  var vms: [BuiltVM]
  /// Files that were read as configuration, in the order of reading.
  public let files: [SourceFile]

  /// What `load` has to say.
  public struct Loaded {
    /// Nil where there are findings.
    public let system: SystemDescription?
    /// Every mistake in every file, in the order of the files and their lines.
    public let findings: [Finding]
    public let files: [SourceFile]
  }

  /// The VMs' names, in order.
  public var vmNames: [String] { manifest.vms.map { String(decoding: $0.name, as: UTF8.self) } }

  /// Reads and checks one system file, or any number of VM files, with all the files that they name.
  ///
  /// - Parameters:
  ///   - paths: as the user wrote them, relative to the current folder; messages repeat them.
  ///   - cpus: of the machine, instead of what the system file says.
  ///   - memory: of the machine in bytes, instead of what the system file says.
  public static func load(paths: [String], cpus: Int? = nil, memory: UInt64? = nil) -> Loaded {
    var loader = SystemLoader(cpus: cpus, memory: memory)
    return loader.load(paths)
  }
}
