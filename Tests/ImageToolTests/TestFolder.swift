import Foundation
import Manifest

@testable import ImageTool

/// A folder of its own with configuration files, and every fixture image below `images`.
final class TestFolder: Sendable {
  let url: URL

  /// - Parameter source: a folder whose files are copied into this one.
  init(copying source: URL? = nil) throws {
    url = FileManager.default.temporaryDirectory.appending(path: "apus-tests-\(UUID().uuidString)")
    if let source {
      try FileManager.default.copyItem(at: source, to: url)
    } else {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }
    try ImageFixtures.write(to: url.appending(path: "images"))
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func write(_ name: String, _ text: String) throws {
    try text.write(to: url.appending(path: name), atomically: true, encoding: .utf8)
  }

  func load(
    _ names: String..., cpus: Int? = nil, memory: UInt64? = nil, architecture: Architecture? = nil
  ) -> SystemDescription.Loaded {
    SystemDescription.load(
      paths: names.map { url.appending(path: $0).path }, cpus: cpus, memory: memory, architecture: architecture,
      guests: guests)
  }

  /// A guest of each architecture that is here, and one that is not.
  private func guests(_ architecture: Architecture) -> GuestLibrary {
    func part(_ name: String, _ file: String) -> GuestLibrary.Part {
      GuestLibrary.Part(name: name, file: url.appending(path: file), howToGet: "a fetched guest")
    }
    let image = architecture == .aarch64 ? "Image" : "riscv.Image"
    return GuestLibrary([
      .init(name: "demo", parts: [part("kernel", "images/\(image)"), part("ramdisk", "images/ramdisk.cpio")]),
      .init(name: "other", parts: [part("kernel", "nowhere/Image")]),
    ])
  }

  /// The findings as a user sees them, with paths relative to the folder.
  func messages(_ loaded: SystemDescription.Loaded) -> String {
    FindingPrinter(hasColours: false).text(loaded.findings).replacingOccurrences(of: url.path + "/", with: "")
  }

  /// A VM file with the least that a VM needs, `lines` before its tables and `tables` after the kernel.
  static func vm(_ lines: String = "", kernel: String = "path = \"images/Image\"", tables: String = "") -> String {
    "name = \"a\"\ncpus = 2\nmemory = \"64MiB\"\n\(lines)\n[kernel]\n\(kernel)\n\(tables)\n"
  }
}
