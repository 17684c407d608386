import Foundation

/// The places of the repository that the command line works in.
struct Repository {
  let root: URL

  /// The repository that `./apus` belongs to; the script says where it is.
  static func current() throws(Failure) -> Repository {
    let root =
      ProcessInfo.processInfo.environment["APUS_ROOT"].map { URL(filePath: $0, directoryHint: .isDirectory) }
      // Started without the script: .build/<triple>/debug/apus lies three folders below the root.
      ?? URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
      .appending(path: "../../..", directoryHint: .isDirectory).standardizedFileURL
    guard FileManager.default.fileExists(atPath: root.appending(path: "Package.swift").path) else {
      throw Failure(.missing, "\(root.path) does not hold the Apus sources; start the command line by ./apus")
    }
    return Repository(root: root)
  }

  func file(_ path: String) -> URL { root.appending(path: path) }

  /// What is fetched from elsewhere; kept by `swift package clean`. `APUS_CACHE` puts it elsewhere.
  var cache: URL {
    HostEnvironment.variables["APUS_CACHE"].map { URL(filePath: $0, directoryHint: .isDirectory) } ?? file(".cache")
  }
  /// What is built here.
  var build: URL { file(".build") }
}

extension URL {
  /// When the file was last written; nil where there is none.
  var modified: Date? {
    try? FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
  }

  var byteCount: Int? {
    (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? NSNumber)?.intValue
  }

  /// The path relative to the current folder where the file lies below it.
  var pathFromHere: String {
    let own = standardizedFileURL.path
    let here = FileManager.default.currentDirectoryPath + "/"
    return own.hasPrefix(here) ? String(own.dropFirst(here.count)) : own
  }

  var exists: Bool { FileManager.default.fileExists(atPath: path) }

  /// Whether the file is there and no older than any of `inputs`. A folder counts with everything in it.
  func isUpToDate(with inputs: [URL]) -> Bool {
    guard let own = modified else { return false }
    for input in inputs {
      let below = FileManager.default.enumerator(at: input, includingPropertiesForKeys: nil)
      for file in [input] + (below?.compactMap { $0 as? URL } ?? []) {
        guard let other = file.modified, other <= own else { return false }
      }
    }
    return true
  }

  /// Makes the folder, and those above it.
  func makeFolder() throws(Failure) {
    do {
      try FileManager.default.createDirectory(at: self, withIntermediateDirectories: true)
    } catch {
      throw Failure(.failed, "the folder \(path) cannot be made: \(error.localizedDescription)")
    }
  }

  /// Writes the file whole or not at all: a reader never sees half of it, and Ctrl-C leaves none.
  func writeAtomically(_ data: Data) throws(Failure) {
    try deletingLastPathComponent().makeFolder()
    do {
      try data.write(to: self, options: .atomic)
    } catch {
      throw Failure(.failed, "\(path) cannot be written: \(error.localizedDescription)")
    }
  }
}
