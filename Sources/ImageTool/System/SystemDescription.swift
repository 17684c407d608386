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
    /// The guests that the files name as `guest:NAME/PART`, whether there are such guests or not.
    public let guests: [String]
  }

  /// The VMs' names, in order.
  public var vmNames: [String] { manifest.vms.map { String(decoding: $0.name, as: UTF8.self) } }

  /// Reads and checks one system file, or any number of VM files, with all the files that they name.
  ///
  /// - Parameters:
  ///   - paths: as the user wrote them, relative to the current folder; messages repeat them.
  ///   - cpus: of the machine, instead of what the system file says.
  ///   - memory: of the machine in bytes, instead of what the system file says.
  ///   - architecture: of the machine; where it is nil, what the system file says. The two must not differ.
  ///   - guests: those that the files may name, for an architecture.
  public static func load(
    paths: [String], cpus: Int? = nil, memory: UInt64? = nil, architecture: Architecture? = nil,
    guests: @escaping (Architecture) -> GuestLibrary = { _ in GuestLibrary() }
  ) -> Loaded {
    var loader = SystemLoader(cpus: cpus, memory: memory, architecture: architecture, guests: guests)
    return loader.load(paths)
  }

  /// The architecture that the system is for.
  public var architecture: Architecture { manifest.architecture }

  /// The architecture that a system file names; nil where there is none, or it names none.
  public static func statedArchitecture(paths: [String]) -> Architecture? {
    guard paths.count == 1, let data = try? Data(contentsOf: URL(filePath: paths[0])) else { return nil }
    let findings = Findings()
    let file = SourceFile(path: paths[0], url: URL(filePath: paths[0]), bytes: [UInt8](data))
    guard let item = TOMLReader.read(file, findings), SystemConfiguration.isMeant(by: item) else { return nil }
    return SystemConfiguration(item, findings)?.architecture?.value
  }
}
