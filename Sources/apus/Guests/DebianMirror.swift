import Foundation

/// Where this machine gets Debian from, read from its own apt: the command line brings no address of its own.
struct DebianMirror: Equatable {
  let archive: String
  let security: String?
  /// The keyring file whose keys sign the archive.
  let keyring: String

  private static let usualKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

  /// Asks the machine's apt.
  static func ofThisMachine() throws(Failure) -> DebianMirror {
    guard HostEnvironment.find("apt-get") != nil else {
      throw Failure(.missing, "this machine has no apt, so the demo guests cannot be fetched from Debian")
    }
    let targets = try Tool.output(
      "apt-get", ["indextargets", "--format", "$(REPO_URI) $(RELEASE) $(SIGNED_BY)"], otherwise: .missing)
    guard let mirror = parse(targets) else {
      throw Failure(.missing, "the machine's apt has no Debian archive among its sources")
    }
    guard FileManager.default.fileExists(atPath: mirror.keyring) else {
      throw Failure(.missing, "\(mirror.keyring) is not there: install debian-archive-keyring")
    }
    return mirror
  }

  /// Finds the archive and its security updates in lines of "URI release keyring". apt leaves `$(SIGNED_BY)` as it
  /// stands where a source names no keyring.
  static func parse(_ targets: String) -> DebianMirror? {
    var archive: (uri: String, keyring: String)?
    var security: String?
    for line in targets.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      guard words.count >= 2 else { continue }
      let keyring = words.count > 2 && words[2].hasPrefix("/") ? words[2] : usualKeyring
      let uri = words[0]
      guard uri.hasPrefix("http") || uri.hasPrefix("file:") || uri.hasPrefix("copy:") else { continue }
      if words[1].hasSuffix("-security") {
        security = security ?? uri
      } else if archive == nil,
        DebianSuite.allCases.contains(where: { words[1] == $0.rawValue || words[1] == "stable" })
      {
        archive = (uri, keyring)
      }
    }
    return archive.map { DebianMirror(archive: $0.uri, security: security, keyring: $0.keyring) }
  }
}
