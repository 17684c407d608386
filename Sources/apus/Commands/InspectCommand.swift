import ArgumentParser
import Foundation
import ImageTool
import Manifest

/// `apus inspect`: prints what a bundle holds.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Print what a bundle holds: VMs, images, memory map, interrupts.",
    discussion: """
      Reads the bundle as the hypervisor does, and says what it would refuse.

      Examples:
        ./apus inspect my.bundle          as text
        ./apus inspect my.bundle --json   for programs
        ./apus inspect my.bundle --dts    the manifest as device tree source
      """)

  enum Format: String, EnumerableFlag {
    case json
    case dts

    static func help(for value: Format) -> ArgumentHelp? {
      switch value {
      case .json: "Print JSON."
      case .dts: "Print the manifest as device tree source."
      }
    }
  }

  @Option(help: "The architecture that the bundle must be for.")
  var arch: Architecture?

  @Argument(help: "The bundle.", completion: .file())
  var bundle: String

  @Flag(exclusivity: .exclusive)
  var format: Format?

  func run() throws {
    try reportingFailures {
      guard let data = try? Data(contentsOf: URL(filePath: bundle)) else {
        throw Failure(.failed, "\(bundle) cannot be read")
      }
      do {
        let read = try SystemBundle.read(data)
        if let arch, read.manifest.architecture != arch {
          throw Failure(.failed, "\(bundle) is for \(read.manifest.architecture.name), not for \(arch.name)")
        }
        switch format {
        case .json: print(try BundleReport(read).json())
        case .dts: print(try read.deviceTreeSource(), terminator: "")
        case nil: print(BundleReport(read).text, terminator: "")
        }
      } catch let error as SystemBundle.ReadError {
        throw Failure(.failed, "\(bundle): \(error)")
      }
    }
  }
}
