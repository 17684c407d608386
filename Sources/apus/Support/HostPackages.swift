import Foundation
import Manifest

/// What the machine that runs the command line must have, and how it gets it.
enum HostPackages {
  enum Requirement: Equatable {
    /// A program on the PATH, and Debian's packages that may hold it: the first one that this Debian has is taken.
    case program(String, packages: [String])
    case file(String, packages: [String])

    var name: String {
      switch self {
      case .program(let name, _), .file(let name, _): name
      }
    }

    var packages: [String] {
      switch self {
      case .program(_, let packages), .file(_, let packages): packages
      }
    }

    var isHere: Bool {
      switch self {
      case .program(let name, _): HostEnvironment.find(name) != nil
      case .file(let path, _): access(path, R_OK) == 0
      }
    }
  }

  /// Whether to ask before something is installed.
  enum Consent {
    case ask
    case given
  }

  static func toRun(_ architecture: Architecture) -> [Requirement] {
    let machine = architecture.emulated
    return [.program(machine.executable, packages: machine.packages), .program("gzip", packages: ["gzip"])]
      + [machine.firmware].compactMap { $0 }
  }

  static let toTest: [Requirement] = [
    .program("dtc", packages: ["device-tree-compiler"]), .program("zstd", packages: ["zstd"]),
  ]

  /// Makes sure that every program is here, through apt where that is possible.
  static func require(_ requirements: [Requirement], consent: Consent) throws(Failure) {
    let missing = requirements.filter { !$0.isHere }
    guard !missing.isEmpty else { return }
    let packages = missing.map { known($0.packages) }
    let byHand =
      "\(missing.map(\.name).joined(separator: ", ")) must be installed. On Debian or Ubuntu, as root:\n"
      + "  apt-get update && apt-get install --no-install-recommends \(packages.joined(separator: " "))"
    guard HostEnvironment.find("apt-get") != nil else { throw Failure(.missing, "there is no apt here: " + byHand) }
    guard geteuid() == 0 else { throw Failure(.missing, "only root can install packages: " + byHand) }
    if consent == .ask, Terminal.isInputTerminal, !confirms("Install \(packages.joined(separator: ", ")) with apt?") {
      throw Failure(.missing, byHand)
    }
    try install(missing)
    for requirement in missing where !requirement.isHere {
      throw Failure(.missing, "\(known(requirement.packages)) is installed, but \(requirement.name) is not there")
    }
  }

  /// The first of the packages that apt knows, by its lists as they are; the last where it knows none.
  private static func known(_ packages: [String]) -> String {
    guard packages.count > 1 else { return packages.first ?? "" }
    return packages.first { (try? Tool.run("apt-cache", ["show", $0]))?.succeeded ?? false } ?? packages.last ?? ""
  }

  /// The emulator must be new enough.
  static func checkEmulator(_ architecture: Architecture) throws(Failure) {
    let program = architecture.emulated.executable
    let output = try Tool.output(program, ["--version"], otherwise: .missing)
    let oldest = QEMUCommand.oldestVersion
    guard let version = QEMUCommand.version(in: output), version >= oldest else {
      throw Failure(
        .missing,
        "\(program) is too old: \(oldest.major).\(oldest.minor) or newer is needed, as Debian 12 has it.\n\(output)")
    }
  }

  private static func install(_ missing: [Requirement]) throws(Failure) {
    try Progress.shared.step("packages", "installing \(missing.map(\.name).joined(separator: ", "))") {
      step throws(Failure) in
      func apt(_ arguments: [String]) throws(Failure) {
        let result = try Tool.run("apt-get", arguments, environment: ["DEBIAN_FRONTEND": "noninteractive"]) {
          step.note($0)
        }
        guard result.succeeded else {
          throw Failure(.missing, "apt-get \(arguments.joined(separator: " ")) failed:\n\(result.error)")
        }
      }
      try apt(["update"])
      // Only now: a fresh machine's apt knows no package before its first update.
      let packages = missing.map { known($0.packages) }
      try apt(["install", "-y", "--no-install-recommends"] + packages)
      return ((), "installed \(packages.joined(separator: ", "))")
    }
  }

  private static func confirms(_ question: String) -> Bool {
    writeAll(Array("\(question) [Y/n] ".utf8), to: STDERR_FILENO)
    guard let answer = readLine() else { return false }
    return ["", "y", "yes"].contains(answer.trimmingCharacters(in: .whitespaces).lowercased())
  }
}
