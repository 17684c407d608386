import Foundation
import Manifest

/// What the machine that runs the command line must have, and how it gets it.
enum HostPackages {
  struct Requirement: Equatable {
    let program: String
    /// Debian's package that holds the program.
    let package: String
  }

  /// Whether to ask before something is installed.
  enum Consent {
    case ask
    case given
  }

  static func toRun(_ architecture: Architecture) -> [Requirement] {
    let emulator =
      switch architecture {
      case .aarch64: "qemu-system-arm"
      }
    return [
      Requirement(program: QEMUCommand.executable(for: architecture), package: emulator),
      Requirement(program: "gzip", package: "gzip"),
    ]
  }

  static let toTest = [Requirement(program: "dtc", package: "device-tree-compiler")]

  /// Makes sure that every program is here, through apt where that is possible.
  static func require(_ requirements: [Requirement], consent: Consent) throws(Failure) {
    let missing = requirements.filter { HostEnvironment.find($0.program) == nil }
    guard !missing.isEmpty else { return }
    let packages = missing.map(\.package)
    let byHand =
      "\(missing.map(\.program).joined(separator: ", ")) must be installed. On Debian or Ubuntu, as root:\n"
      + "  apt-get update && apt-get install --no-install-recommends \(packages.joined(separator: " "))"
    guard HostEnvironment.find("apt-get") != nil else { throw Failure(.missing, "there is no apt here: " + byHand) }
    guard geteuid() == 0 else { throw Failure(.missing, "only root can install packages: " + byHand) }
    if consent == .ask, Terminal.isInputTerminal, !confirms("Install \(packages.joined(separator: ", ")) with apt?") {
      throw Failure(.missing, byHand)
    }
    try install(packages)
    for requirement in missing where HostEnvironment.find(requirement.program) == nil {
      throw Failure(.missing, "\(requirement.package) is installed, but \(requirement.program) is not on the PATH")
    }
  }

  /// The emulator must be new enough.
  static func checkEmulator(_ architecture: Architecture) throws(Failure) {
    let program = QEMUCommand.executable(for: architecture)
    let output = try Tool.output(program, ["--version"], otherwise: .missing)
    let oldest = QEMUCommand.oldestVersion
    guard let version = QEMUCommand.version(in: output), version >= oldest else {
      throw Failure(
        .missing,
        "\(program) is too old: \(oldest.major).\(oldest.minor) or newer is needed, as Debian 12 has it.\n\(output)")
    }
  }

  private static func install(_ packages: [String]) throws(Failure) {
    let list = packages.joined(separator: ", ")
    try Progress.shared.step("packages", "installing \(list)") { step throws(Failure) in
      for arguments in [["update"], ["install", "-y", "--no-install-recommends"] + packages] {
        let result = try Tool.run("apt-get", arguments, environment: ["DEBIAN_FRONTEND": "noninteractive"]) {
          step.note($0)
        }
        guard result.succeeded else {
          throw Failure(.missing, "apt-get \(arguments.joined(separator: " ")) failed:\n\(result.error)")
        }
      }
      return ((), "installed \(list)")
    }
  }

  private static func confirms(_ question: String) -> Bool {
    writeAll(Array("\(question) [Y/n] ".utf8), to: STDERR_FILENO)
    guard let answer = readLine() else { return false }
    return ["", "y", "yes"].contains(answer.trimmingCharacters(in: .whitespaces).lowercased())
  }
}
