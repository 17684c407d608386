import Manifest

/// A guest that `apus guests` can get: what it is made of and where it lies in the cache.
struct GuestKit: Equatable {
  /// What a kit holds once it is got.
  enum Contents: Equatable {
    /// A Debian kernel, named by its metapackage, with our own initramfs.
    case linux(metapackage: String)
    /// A boot loader, found at `path` in the package.
    case firmware(package: String, path: String)
  }

  /// A file of the kit, and how configurations name it: `guest:KIT/ROLE`.
  struct Part: Equatable {
    let role: String
    let file: String
  }

  let name: String
  let summary: String
  let suite: DebianSuite
  let contents: Contents

  /// The kit's folder below the architecture's folder in the cache; the demo's is that folder itself.
  var folder: String { name == Self.demoName ? "" : name }

  /// The files that are there when the kit is complete.
  var parts: [Part] {
    switch contents {
    case .linux: [Part(role: "kernel", file: "Image"), Part(role: "ramdisk", file: "initramfs.cpio.gz")]
    case .firmware: [Part(role: "firmware", file: "u-boot.bin")]
    }
  }

  static let demoName = "demo"
  static let uBootName = "u-boot"

  /// The kits of an architecture, the demo's first.
  static func all(_ architecture: Architecture) -> [GuestKit] {
    func linux(_ name: String, _ suite: DebianSuite, _ metapackage: String, _ summary: String) -> GuestKit {
      GuestKit(name: name, summary: summary, suite: suite, contents: .linux(metapackage: metapackage))
    }
    switch architecture {
    case .aarch64:
      return [
        linux(
          demoName, .bookworm, "linux-image-cloud-arm64",
          "Debian 12's cloud kernel with a shell: what the demo's two VMs run"),
        linux("bookworm-generic", .bookworm, "linux-image-arm64", "Debian 12's generic kernel"),
        linux("trixie-cloud", .trixie, "linux-image-cloud-arm64", "Debian 13's cloud kernel"),
        linux("trixie-generic", .trixie, "linux-image-arm64", "Debian 13's generic kernel"),
        GuestKit(
          name: uBootName, summary: "U-Boot for QEMU's virt machine", suite: .bookworm,
          contents: .firmware(package: "u-boot-qemu", path: "usr/lib/u-boot/qemu_arm64/u-boot.bin")),
      ]
    case .riscv64:
      return [
        linux(
          demoName, .trixie, "linux-image-riscv64", "Debian 13's kernel with a shell: what the demo's two VMs run")
      ]
    case .x86_64:
      return [
        linux(
          demoName, .bookworm, "linux-image-cloud-amd64",
          "Debian 12's cloud kernel with a shell: what the demo's two VMs run")
      ]
    }
  }

  static func demo(_ architecture: Architecture) -> GuestKit { all(architecture)[0] }

  static func named(_ name: String, _ architecture: Architecture) -> GuestKit? {
    all(architecture).first { $0.name == name }
  }
}
