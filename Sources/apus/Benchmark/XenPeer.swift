import Foundation
import Manifest

/// Xen as Debian has it, with our own guest in a domain that Xen makes at boot ("dom0less"): a peer that anyone can
/// measure.
struct XenPeer {
  static let package = "xen-hypervisor-4.17-arm64"
  static let name = "Xen 4.17"
  private static let fileInPackage = "boot/xen-4.17-arm64"

  let build: HypervisorBuild
  let machine: BenchmarkMachine

  private var folder: URL { build.repository.cache.appending(path: "peers/xen-\(build.architecture.name)") }
  private var image: URL { folder.appending(path: "xen") }

  /// Where QEMU puts the guest's image for Xen to find; above what QEMU itself loads.
  private static let guestAddress: UInt64 = 0x5000_0000

  /// Fetches Xen's image, unless it is in the cache.
  func get() throws(Failure) {
    guard !image.exists else { return }
    let mirror = try DebianMirror.ofThisMachine()
    let debian = build.architecture.debian
    let apt = AptRoot(
      folder: build.repository.cache.appending(path: "apt/\(debian.rawValue)-\(DebianSuite.bookworm.rawValue)"),
      architecture: debian, suite: .bookworm, mirror: mirror)
    let work = folder.appending(path: "unpacked")
    defer { try? FileManager.default.removeItem(at: work) }
    try Progress.shared.step("peer", "fetching \(Self.package)") { step throws(Failure) in
      try work.makeFolder()
      let suites = try apt.update(step)
      let package = try apt.resolve(Self.package, to: nil)
      try apt.unpack([package], into: work, step)
      guard let bytes = try? Data(contentsOf: work.appending(path: Self.fileInPackage)) else {
        throw Failure(.failed, "\(package) holds no \(Self.fileInPackage)")
      }
      try folder.appending(path: "origin").writeAtomically(
        Data("\(package) of \(suites.joined(separator: " and "))\n".utf8))
      try image.writeAtomically(bytes)
      return ((), "\(package), signatures checked by apt")
    }
  }

  /// What our guest measures in a domain with as many vCPUs as the machine has CPUs.
  func figures(cpus: Int, _ boot: BenchmarkBoot) throws(Failure) -> [String: Double] {
    let guest = boot.folder.appending(path: "guest.img")
    try boot.folder.makeFolder()
    _ = try Tool.output(
      try Toolchain.current().program("llvm-objcopy"), ["-O", "binary", build.testGuest.path, guest.path])
    let tree = boot.folder.appending(path: "xen.dtb")
    try writeTree(to: tree, guest: guest, cpus: cpus, boot)
    var command = machine.hypervisor(image.path, bundle: nil, bootArguments: "", cpus: cpus)
    let address = "0x" + String(Self.guestAddress, radix: 16)
    command.additional += [
      "-dtb", tree.path, "-device", "loader,file=\(guest.path),addr=\(address),force-raw=on",
    ]
    // Xen stays when its only domain has gone.
    let lines = try boot.run(command) { $0.contains("guest: done") }
    guard let figures = GuestFigures.found(in: lines) else {
      throw Failure(.failed, "the guest in Xen did not end well; its console is in \(boot.folder.pathFromHere)")
    }
    return figures
  }

  /// The machine's own device tree, with the domain in `/chosen` (Xen, docs/misc/arm/device-tree/booting.txt).
  private func writeTree(to file: URL, guest: URL, cpus: Int, _ boot: BenchmarkBoot) throws(Failure) {
    let machineTree = boot.folder.appending(path: "machine.dtb")
    var dump = machine.hypervisor(image.path, bundle: nil, bootArguments: "", cpus: cpus)
    dump.machine += ",dumpdtb=\(machineTree.path)"
    _ = try Tool.output(dump.executable, dump.arguments)
    let source = try Tool.output("dtc", ["-q", "-I", "dtb", "-O", "dts", machineTree.path], otherwise: .missing)
    let text = boot.folder.appending(path: "xen.dts")
    try text.writeAtomically(Data((source + Self.domain(guestByteCount: guest.byteCount ?? 0, cpus: cpus)).utf8))
    _ = try Tool.output("dtc", ["-q", "-I", "dts", "-O", "dtb", "-o", file.path, text.path])
  }

  /// 64 MiB, a UART that Xen emulates, and Xen as it comes: only what it does when it would be idle is left away.
  static func domain(guestByteCount: Int, cpus: Int) -> String {
    let address = String(guestAddress, radix: 16)
    return """

      / {
        chosen {
          #address-cells = <2>;
          #size-cells = <2>;
          xen,xen-bootargs = "console=dtuart dtuart=/pl011@9000000 bootscrub=0";
          domU1 {
            compatible = "xen,domain";
            #address-cells = <2>;
            #size-cells = <2>;
            memory = <0 0x10000>;
            cpus = <\(cpus)>;
            vpl011;
            module@\(address) {
              compatible = "multiboot,kernel", "multiboot,module";
              reg = <0 0x\(address) 0 \(guestByteCount)>;
              bootargs = "case=bench";
            };
          };
        };
      };

      """
  }
}
