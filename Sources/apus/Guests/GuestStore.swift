import Foundation
import ImageTool
import Manifest

/// The guests in the cache, and how each gets there.
struct GuestStore {
  let repository: Repository
  let architecture: Architecture

  /// The kit's folder in the cache.
  func folder(of kit: GuestKit) -> URL {
    let guests = repository.cache.appending(path: "guests/\(architecture.name)", directoryHint: .isDirectory)
    return kit.folder.isEmpty ? guests : guests.appending(path: kit.folder, directoryHint: .isDirectory)
  }

  /// The words that tell what the kit was made from; nil while it is not in the cache.
  func origin(of kit: GuestKit) -> String? {
    let folder = folder(of: kit)
    guard kit.parts.allSatisfy({ folder.appending(path: $0.file).exists }) else { return nil }
    return (try? String(contentsOf: folder.appending(path: "origin"), encoding: .utf8))?
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Makes sure that the kit is in the cache, fetching what is not there. With `refreshing`, looks for newer packages.
  func get(_ kit: GuestKit, refreshing: Bool = false) throws(Failure) {
    let isHere = origin(of: kit) != nil && !refreshing
    if !isHere { try fetch(kit) }
    if case .linux = kit.contents { try makeInitramfs(of: kit) }
    if isHere { Progress.shared.say("guests", "\(kit.name): \(origin(of: kit) ?? "") (from the cache)") }
  }

  /// The file of a kit's part.
  func file(_ part: GuestKit.Part, of kit: GuestKit) -> URL { folder(of: kit).appending(path: part.file) }

  /// The guests that configurations may name: the kits, and our own small guest.
  var library: GuestLibrary {
    let option = architecture == .standard ? "" : " --arch \(architecture.name)"
    let kits = GuestKit.all(architecture).map { kit in
      GuestLibrary.Guest(
        name: kit.name,
        parts: kit.parts.map {
          GuestLibrary.Part(
            name: $0.role, file: file($0, of: kit), howToGet: "`./apus guests --get\(option) \(kit.name)` fetches it")
        })
    }
    let own = GuestLibrary.Part(
      name: "kernel", file: HypervisorBuild(repository: repository, architecture: architecture).testGuest,
      howToGet: "`./apus run\(option)` builds it")
    return GuestLibrary(kits + [GuestLibrary.Guest(name: Self.ownGuest, parts: [own])])
  }

  /// What configurations and boot tests call our own small guest, which is built and not fetched.
  static let ownGuest = "test-guest"

  private func fetch(_ kit: GuestKit) throws(Failure) {
    let mirror = try DebianMirror.ofThisMachine()
    guard HostEnvironment.find("dpkg") != nil else {
      throw Failure(.missing, "dpkg is not here, so Debian's packages cannot be unpacked")
    }
    let apt = AptRoot(
      folder: repository.cache.appending(path: "apt/\(architecture.debian.rawValue)-\(kit.suite.rawValue)"),
      architecture: architecture.debian, suite: kit.suite, mirror: mirror)
    let work = repository.cache.appending(path: "unpacked/\(architecture.name)-\(kit.name)")
    try? FileManager.default.removeItem(at: work)
    try work.makeFolder()
    defer { try? FileManager.default.removeItem(at: work) }

    let packages = try Progress.shared.step("guests", "\(kit.name): asking Debian \(kit.suite.rawValue)") {
      step throws(Failure) in
      let suites = try apt.update(step)
      let packages: [ResolvedPackage]
      switch kit.contents {
      case .linux(let metapackage):
        packages = [try apt.resolve(metapackage, to: "linux-image-"), try apt.resolve("busybox-static", to: nil)]
      case .firmware(let package, _):
        packages = [try apt.resolve(package, to: nil)]
      }
      let list = packages.map(\.description).joined(separator: ", ")
      return (packages, "\(kit.name): \(list) of \(suites.joined(separator: " and "))")
    }
    try Progress.shared.step("guests", "\(kit.name): fetching and unpacking") { step throws(Failure) in
      try apt.unpack(packages, into: work, step)
      try place(kit, from: work)
      return ((), "\(kit.name): fetched, signatures checked by apt")
    }
    let origin = "Debian \(kit.suite.rawValue), " + packages.map(\.description).joined(separator: ", ") + "\n"
    try folder(of: kit).appending(path: "origin").writeAtomically(Data(origin.utf8))
  }

  /// Moves what is wanted of the unpacked packages into the kit's folder.
  private func place(_ kit: GuestKit, from work: URL) throws(Failure) {
    let folder = folder(of: kit)
    func copy(_ source: URL, to name: String) throws(Failure) {
      guard let data = try? Data(contentsOf: source) else {
        throw Failure(.failed, "the packages of \(kit.name) hold no \(source.lastPathComponent)")
      }
      try folder.appending(path: name).writeAtomically(data)
    }
    switch kit.contents {
    case .linux:
      let boot = work.appending(path: "boot")
      let names = (try? FileManager.default.contentsOfDirectory(atPath: boot.path)) ?? []
      guard let kernel = names.first(where: { $0.hasPrefix("vmlinuz-") || $0.hasPrefix("vmlinux-") }) else {
        throw Failure(.failed, "the packages of \(kit.name) hold no kernel")
      }
      // trixie has everything below /usr.
      let busybox = ["bin/busybox", "usr/bin/busybox"].map { work.appending(path: $0) }.first(where: \.exists)
      guard let busybox else { throw Failure(.failed, "the packages of \(kit.name) hold no busybox") }
      try copy(boot.appending(path: kernel), to: "Image")
      try copy(busybox, to: "busybox")
    case .firmware(_, let path):
      try copy(work.appending(path: path), to: kit.parts[0].file)
    }
  }

  private func makeInitramfs(of kit: GuestKit) throws(Failure) {
    let sources = repository.file("Guests/Linux")
    let archive = folder(of: kit).appending(path: "initramfs.cpio.gz")
    let busybox = folder(of: kit).appending(path: "busybox")
    guard !archive.isUpToDate(with: [sources, busybox]) else { return }
    try Progress.shared.step("guests", "\(kit.name): making the initramfs") { _ throws(Failure) in
      let data = try Initramfs(sources: sources, busybox: busybox).compressed()
      try archive.writeAtomically(data)
      return ((), "\(kit.name): initramfs, \(data.count / 1024) KiB")
    }
  }
}
