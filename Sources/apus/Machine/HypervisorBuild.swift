import Foundation
import Manifest

/// Builds the hypervisor's image for the bare machine.
struct HypervisorBuild {
  let repository: Repository
  let architecture: Architecture

  private var scratch: URL { repository.build.appending(path: architecture.name) }
  private var products: URL { scratch.appending(path: "\(architecture.triple)/release") }

  /// The linked image with its symbols.
  var linked: URL { products.appending(path: "Hypervisor") }
  /// The image that a boot loader takes: flat; on x86_64 an ELF file, whose note says where it is entered.
  var image: URL { products.appending(path: "Hypervisor.img") }

  /// Our own small guest, built with the hypervisor.
  var testGuest: URL { products.appending(path: "TestGuest") }

  /// The only program of the Linux guests that are measured.
  var workload: URL { products.appending(path: "Workload") }

  /// Whether the sources have a hypervisor for the architecture.
  var hasSources: Bool { repository.file("Sources/C\(architecture.module)/Hypervisor.ld").exists }

  /// Builds what is not up to date.
  func build() throws(Failure) {
    try Progress.shared.step("hypervisor", "building for \(architecture.name)") { step throws(Failure) in
      let before = linked.modified
      try forgetStaleLink()
      let result = try Tool.run(
        "swift",
        [
          "build", "--triple", architecture.triple, "-c", "release", "--scratch-path", scratch.path,
          "--package-path", repository.root.path,
        ], environment: ["APUS_ARCH": architecture.name]
      ) { step.note($0) }
      guard result.succeeded else {
        let log = scratch.appending(path: "build.log")
        try log.writeAtomically(Data((result.output + result.error).utf8))
        let told = Self.essence(of: result.output + result.error).joined(separator: "\n")
        throw Failure(.build, "the hypervisor did not build:\n\(told)\nAll that was said is in \(log.pathFromHere)")
      }
      try flatten()
      let size = image.byteCount ?? 0
      return ((), (before == linked.modified ? "up to date" : "built") + ", \(size / 1024) KiB")
    }
  }

  /// The lines of a failed build that tell why: its errors, each once, or else its last lines.
  static func essence(of output: String) -> [String] {
    let lines = output.split(separator: "\n").map(String.init)
    var errors: [String] = []
    for line in lines where line.contains(#/(^|: )error: /#) && !errors.contains(line) { errors.append(line) }
    return errors.isEmpty ? lines.suffix(20) : Array(errors.prefix(20))
  }

  /// Makes the loader's image from the linked one.
  private func flatten() throws(Failure) {
    guard !image.isUpToDate(with: [linked]) else { return }
    let flat = image.appendingPathExtension("new")
    let form = architecture == .x86_64 ? ["--strip-all"] : ["-O", "binary"]
    _ = try Tool.output(
      try Toolchain.current().program("llvm-objcopy"), form + [linked.path, flat.path], otherwise: .build)
    guard rename(flat.path, image.path) == 0 else { throw Failure(.build, "\(image.path) cannot be written") }
  }

  /// SwiftPM does not see that a linker script changed: without the linked image it links again.
  private func forgetStaleLink() throws(Failure) {
    for (folder, image) in [("Sources", linked), ("Guests", testGuest)] {
      let sources = repository.file(folder)
      let names = FileManager.default.enumerator(atPath: sources.path)?.compactMap { $0 as? String } ?? []
      let scripts = names.filter { $0.hasSuffix(".ld") }.map { sources.appending(path: $0) }
      if image.exists, !image.isUpToDate(with: scripts) { unlink(image.path) }
    }
  }
}

/// The Swift toolchain's own tools, which need not be on the PATH.
struct Toolchain {
  private let folder: URL

  static func current() throws(Failure) -> Toolchain {
    let information = try Tool.output("swiftc", ["-print-target-info"], otherwise: .missing)
    guard let match = information.firstMatch(of: /"runtimeResourcePath"\s*:\s*"([^"]+)"/) else {
      throw Failure(.missing, "swiftc does not say where its toolchain is")
    }
    return Toolchain(folder: URL(filePath: String(match.1)).appending(path: "../../bin").standardizedFileURL)
  }

  func program(_ name: String) -> String { folder.appending(path: name).path }
}
