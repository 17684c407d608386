import Foundation
import Manifest

/// A private place for apt, so that packages of another architecture or suite can be fetched without changing the
/// machine's own apt: lists, status and cache of its own. The machine's keyring signs for the suites, and apt checks it.
struct AptRoot {
  let folder: URL
  let architecture: DebianArchitecture
  let suite: DebianSuite
  /// Where the suite and its security updates are, by the machine's own sources.
  let mirror: DebianMirror

  private var configuration: URL { folder.appending(path: "apt.conf") }
  private var environment: [String: String?] { ["APT_CONFIG": configuration.path] }

  /// Writes apt's configuration and fetches the lists.
  ///
  /// Where the lists of the security updates are not as their signed index says, as on a mirror that is being written,
  /// the release alone is taken.
  /// - Returns: the suites that were taken.
  func update(_ step: Progress.Step) throws(Failure) -> [String] {
    for name in ["lists/partial", "cache/archives/partial", "parts", "state"] {
      try folder.appending(path: name).makeFolder()
    }
    try folder.appending(path: "status").writeAtomically(Data())
    try configuration.writeAtomically(Data(settings.utf8))
    do {
      return try update(sources, step)
    } catch {
      guard sources.count > 1 else { throw error }
      return try update(Array(sources.prefix(1)), step)
    }
  }

  private func update(_ sources: [Source], _ step: Progress.Step) throws(Failure) -> [String] {
    let lines = sources.map {
      "deb [arch=\(architecture.rawValue) signed-by=\(mirror.keyring)] \($0.uri) \($0.suite) main\n"
    }
    try folder.appending(path: "sources.list").writeAtomically(Data(lines.joined().utf8))
    try apt("apt-get", ["update", "--error-on=any"], step)
    return sources.map(\.suite)
  }

  /// The newest real package that a metapackage stands for: follows `Depends` to the name that `prefix` begins.
  func resolve(_ package: String, to prefix: String?) throws(Failure) -> ResolvedPackage {
    var name = package
    if let prefix {
      let dependencies = try apt("apt-cache", ["depends", "--important", package])
      guard let found = Self.dependency(in: dependencies, prefix: prefix) else {
        throw Failure(.failed, "\(package) does not depend on any \(prefix)…")
      }
      name = found
    }
    let shown = try apt("apt-cache", ["show", "--no-all-versions", name])
    guard let version = Self.field("Version", in: shown) else {
      throw Failure(.failed, "\(suite.rawValue) has no package \(name) for \(architecture.rawValue)")
    }
    return ResolvedPackage(name: name, version: version)
  }

  /// Fetches the packages and unpacks each, without installing, below `destination`.
  func unpack(_ packages: [ResolvedPackage], into destination: URL, _ step: Progress.Step) throws(Failure) {
    let archives = folder.appending(path: "archives")
    try? FileManager.default.removeItem(at: archives)
    try archives.makeFolder()
    try apt(
      "apt-get", ["download", "-q"] + packages.map { "\($0.name)=\($0.version)" }, step, directory: archives.path)
    let files = (try? FileManager.default.contentsOfDirectory(atPath: archives.path)) ?? []
    for file in files where file.hasSuffix(".deb") {
      step.note("unpacking \(file)")
      _ = try Tool.output("dpkg", ["-x", archives.appending(path: file).path, destination.path])
    }
    try? FileManager.default.removeItem(at: archives)
  }

  @discardableResult
  private func apt(
    _ program: String, _ arguments: [String], _ step: Progress.Step? = nil, directory: String? = nil
  ) throws(Failure) -> String {
    let result = try Tool.run(program, arguments, directory: directory, environment: environment) { line in
      step?.note(line)
    }
    guard result.succeeded else {
      throw Failure(.missing, "\(program) \(arguments.first ?? "") failed:\n\(result.error)")
    }
    return result.output
  }

  // MARK: - What apt reads and says

  private struct Source {
    let uri: String
    let suite: String
  }

  /// The release first.
  private var sources: [Source] {
    [Source(uri: mirror.archive, suite: suite.rawValue)]
      + (mirror.security.map { [Source(uri: $0, suite: "\(suite.rawValue)-security")] } ?? [])
  }

  private var settings: String {
    let path = folder.path
    return """
      APT::Architecture "\(architecture.rawValue)";
      APT::Architectures { "\(architecture.rawValue)"; };
      Acquire::Languages "none";
      Dir::Etc::SourceList "\(path)/sources.list";
      Dir::Etc::SourceParts "\(path)/parts";
      Dir::State "\(path)/state";
      Dir::State::Lists "\(path)/lists";
      Dir::State::Status "\(path)/status";
      Dir::Cache "\(path)/cache";

      """ + (geteuid() == 0 ? "APT::Sandbox::User \"root\";\n" : "")
  }

  /// The first dependency in the output of `apt-cache depends` that begins with `prefix` and a digit.
  static func dependency(in output: String, prefix: String) -> String? {
    output.split(separator: "\n").lazy
      .map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { $0.hasPrefix("Depends: ") }
      .map { String($0.dropFirst("Depends: ".count)) }
      .first { $0.hasPrefix(prefix) && $0.dropFirst(prefix.count).first?.isNumber == true }
  }

  /// The value of a field in the output of `apt-cache show`.
  static func field(_ name: String, in output: String) -> String? {
    output.split(separator: "\n").first { $0.hasPrefix(name + ": ") }.map { String($0.dropFirst(name.count + 2)) }
  }
}

/// A package of an exact version.
struct ResolvedPackage: Equatable, CustomStringConvertible {
  let name: String
  let version: String
  var description: String { "\(name) \(version)" }
}

/// Debian's names of the architectures.
enum DebianArchitecture: String {
  case amd64
  case arm64
  case riscv64
}

/// Debian releases that guests are taken from.
enum DebianSuite: String, CaseIterable {
  case bookworm
  case trixie
}
