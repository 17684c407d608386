import Foundation
import ImageTool
import Manifest

/// The configuration that is booted: one system file, or VM files.
struct BootConfiguration {
  /// As the user wrote them.
  let paths: [String]
  /// Of the machine, instead of what the configuration says.
  var cpus: Int?
  /// Bytes of the machine, instead of what the configuration says.
  var memory: UInt64?

  /// What is done to every VM for a boot that must end by itself.
  struct Changes {
    /// Words that are added to every VM's command line.
    var append: String?
    /// A guest that asks for a reset is stopped, and that is what the verdict tells.
    var stopsOnReset = false
    var logLevel: LogLevel?
  }

  /// Checks everything, and writes what the hypervisor is handed.
  /// - Returns: the machine that the system is for.
  func write(to bundle: URL, _ changes: Changes) throws(Failure) -> MachineDescription {
    var system = try ConfigurationArguments.load(paths, cpus: cpus, memory: memory)
    if let words = changes.append {
      let refused = system.append(toCommandLines: words)
      guard refused.isEmpty else {
        throw Failure(
          .configuration, "the command line of \(refused.joined(separator: ", ")) has no room for `\(words)`")
      }
    }
    if changes.stopsOnReset { system.stopOnReset() }
    if let level = changes.logLevel { system.setLogLevel(level) }
    do {
      try bundle.deletingLastPathComponent().makeFolder()
      try SystemBundle.make(from: system).write(to: bundle)
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(.failed, "\(bundle.path) cannot be written: \(error.localizedDescription)")
    }
    return system.machine
  }

  /// The kits of `apus guests` whose files the configuration names.
  func kits(_ store: GuestStore) -> [GuestKit] {
    let files = SystemDescription.load(paths: paths, cpus: cpus, memory: memory).files
    return GuestKit.named(in: files.map { String(decoding: $0.bytes, as: UTF8.self) }, store.architecture)
  }
}

extension GuestKit {
  /// The kits whose files in the cache the texts name.
  static func named(in texts: [String], _ architecture: Architecture) -> [GuestKit] {
    all.filter { kit in
      let folder = ".cache/guests/\(architecture.name)/" + (kit.folder.isEmpty ? "" : kit.folder + "/")
      return texts.contains { text in kit.files.contains { text.contains(folder + $0) } }
    }
  }
}
