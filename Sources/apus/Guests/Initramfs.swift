import Foundation

/// The demo guests' first file system: busybox, an `init` of ours, and the tests that the kernel command line chooses.
struct Initramfs {
  /// Guests/Linux of the repository.
  let sources: URL
  let busybox: URL

  /// The archive, uncompressed.
  func archive() throws(Failure) -> CPIOArchive {
    var archive = CPIOArchive()
    for folder in ["bin", "dev", "etc", "proc", "sys", "tmp", "tests"] { archive.addFolder(folder) }
    // Linux opens it for the first process before anything is mounted.
    archive.addCharacterDevice("dev/console", major: 5, minor: 1)
    archive.addFile("bin/busybox", try contents(busybox), permissions: 0o755)
    archive.addLink("bin/sh", to: "busybox")
    archive.addFile("init", try contents(sources.appending(path: "init")), permissions: 0o755)
    for name in ["inittab", "profile"] {
      archive.addFile("etc/\(name)", try contents(sources.appending(path: name)))
    }
    let tests = sources.appending(path: "tests")
    for name in ((try? FileManager.default.contentsOfDirectory(atPath: tests.path)) ?? []).sorted() {
      archive.addFile("tests/\(name)", try contents(tests.appending(path: name)), permissions: 0o755)
    }
    return archive
  }

  /// The archive as gzip leaves it, without name and time.
  func compressed() throws(Failure) -> Data {
    let folder = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString)")
    try folder.makeFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let plain = folder.appending(path: "initramfs.cpio")
    try plain.writeAtomically(Data(archive().finished()))
    _ = try Tool.output("gzip", ["-n", "-6", plain.path])
    guard let data = try? Data(contentsOf: plain.appendingPathExtension("gz")) else {
      throw Failure(.failed, "gzip left no file")
    }
    return data
  }

  private func contents(_ file: URL) throws(Failure) -> [UInt8] {
    guard let data = try? Data(contentsOf: file) else { throw Failure(.failed, "\(file.path) cannot be read") }
    return Array(data)
  }
}
