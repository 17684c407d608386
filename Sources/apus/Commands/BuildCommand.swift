import ArgumentParser
import Foundation
import ImageTool

/// `apus build`: makes the bundle of a configuration.
struct BuildCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "build", abstract: "Make the bundle that the hypervisor starts VMs from.",
    discussion: """
      Checks the configuration as `check` does and writes a bundle: the manifest and the images, which a boot loader \
      hands to the hypervisor as its initial ramdisk.

      Examples:
        ./apus build                                 the demo, to .build/system.bundle
        ./apus build system.toml --output my.bundle  another system
      """)

  @OptionGroup var arguments: ConfigurationArguments

  @Option(name: .shortAndLong, help: "The bundle's file. Without it: .build/system.bundle.", completion: .file())
  var output: String?

  func run() throws {
    try reportingFailures {
      let bundle = SystemBundle.make(from: try arguments.load())
      let url = try output.map { URL(filePath: $0) } ?? Repository.current().build.appending(path: "system.bundle")
      try url.writeAtomically(bundle.data)
      print(BundleReport(bundle).text, terminator: "")
      print("\nwritten to \(output ?? ".build/system.bundle")")
    }
  }
}
