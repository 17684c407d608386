import Foundation
import ImageTool
import Manifest

/// The configuration that is booted: one system file, or VM files.
struct BootConfiguration {
  /// As the user wrote them.
  let paths: [String]
  let store: GuestStore
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
    var system = try ConfigurationArguments.load(paths, store, cpus: cpus, memory: memory)
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

  /// The kits of `apus guests` that the configuration names.
  var kits: [GuestKit] {
    let loaded = SystemDescription.load(
      paths: paths, cpus: cpus, memory: memory, architecture: store.architecture, guests: { _ in store.library })
    return GuestKit.all(store.architecture).filter { loaded.guests.contains($0.name) }
  }
}
