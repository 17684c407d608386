import Foundation

/// The first file system of a Linux guest that is measured: our own program as its only process.
enum WorkloadRamdisk {
  static func write(_ program: URL, to file: URL) throws(Failure) {
    guard let bytes = try? Data(contentsOf: program) else { throw Failure(.failed, "\(program.path) cannot be read") }
    var archive = CPIOArchive()
    archive.addFolder("dev")
    // Linux opens it for the first process.
    archive.addCharacterDevice("dev/console", major: 5, minor: 1)
    archive.addFile("init", Array(bytes), permissions: 0o755)
    try file.writeAtomically(Data(archive.finished()))
  }
}
