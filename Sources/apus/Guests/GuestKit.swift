/// A guest that `apus guests` can get: what it is made of and where it lies in the cache.
struct GuestKit: Equatable {
  /// What a kit holds once it is got.
  enum Contents: Equatable {
    /// `Image` and `initramfs.cpio.gz`: a Debian kernel, named by its metapackage, with our own initramfs.
    case linux(metapackage: String, prefix: String)
    /// `u-boot.bin`, found at `path` in the package.
    case firmware(package: String, path: String)
  }

  let name: String
  let summary: String
  let suite: DebianSuite
  let contents: Contents
  let isForTests: Bool

  /// The kit's folder below the architecture's folder in the cache; the demo's is that folder itself.
  var folder: String { self == Self.demo ? "" : name }

  /// The files that are there when the kit is complete.
  var files: [String] {
    switch contents {
    case .linux: ["Image", "initramfs.cpio.gz"]
    case .firmware: ["u-boot.bin"]
    }
  }

  static let demo = GuestKit(
    name: "demo", summary: "Debian 12's cloud kernel with a shell: what the demo's two VMs run", suite: .bookworm,
    contents: .linux(metapackage: "linux-image-cloud-arm64", prefix: "linux-image-"), isForTests: false)

  static let uBoot = GuestKit(
    name: "u-boot", summary: "U-Boot for QEMU's virt machine", suite: .bookworm,
    contents: .firmware(package: "u-boot-qemu", path: "usr/lib/u-boot/qemu_arm64/u-boot.bin"), isForTests: true)

  static let all = [
    demo,
    GuestKit(
      name: "bookworm-generic", summary: "Debian 12's generic kernel", suite: .bookworm,
      contents: .linux(metapackage: "linux-image-arm64", prefix: "linux-image-"), isForTests: true),
    GuestKit(
      name: "trixie-cloud", summary: "Debian 13's cloud kernel", suite: .trixie,
      contents: .linux(metapackage: "linux-image-cloud-arm64", prefix: "linux-image-"), isForTests: true),
    GuestKit(
      name: "trixie-generic", summary: "Debian 13's generic kernel", suite: .trixie,
      contents: .linux(metapackage: "linux-image-arm64", prefix: "linux-image-"), isForTests: true),
    uBoot,
  ]
}
