import Virtualization

@testable import Manifest

func address(_ value: UInt64) -> GuestPhysicalAddress { GuestPhysicalAddress(value) }

func range(_ base: UInt64, _ byteCount: UInt64) -> GuestPhysicalRange {
  guard let range = GuestPhysicalRange(base: GuestPhysicalAddress(base), byteCount: byteCount) else {
    preconditionFailure("a range of a test")
  }
  return range
}

let kernel = ImagePlacement(
  kind: .kernel, guestAddress: address(0x4020_0000), bundleOffset: 0x2000, byteCount: 0x1000,
  memoryByteCount: 0x3000)
let ramdisk = ImagePlacement(
  kind: .ramdisk, guestAddress: address(0x4040_0000), bundleOffset: 0x3000, byteCount: 0x123, memoryByteCount: 0x123)

/// A VM with two vCPUs, 16 MiB, a kernel and a ramdisk, as the command line makes one.
func sampleVM(_ name: StaticString = "linux-a") -> VMManifest {
  VMManifest(
    name: Array("\(name)".utf8), vcpus: [VCPUManifest(), VCPUManifest(affinity: 0b10)],
    memory: [range(0x4000_0000, 16 << 20)], images: [kernel, ramdisk], entry: address(0x4020_0000),
    deviceTree: DeviceTreePlacement(source: .generated, address: address(0x4000_0000), roomByteCount: 0x1_0000),
    commandLine: Array("console=ttyAMA0".utf8),
    devices: [Architecture.aarch64.guestMachine.uart, Architecture.aarch64.guestMachine.clock])
}

func sampleSystem(_ vms: [VMManifest] = [sampleVM(), sampleVM("linux-b")]) -> SystemManifest {
  SystemManifest(architecture: .aarch64, bundleByteCount: 0x4000, vms: vms)
}

/// The bundle that `manifest` describes, with images of zeroes.
func bundle(_ manifest: SystemManifest) -> [UInt8] {
  let tree = manifest.encode()
  return tree + [UInt8](repeating: 0, count: max(0, Int(manifest.bundleByteCount) - tree.count))
}

struct Decoded {
  let manifest: SystemManifest
  let rejected: [Rejected]

  struct Rejected: Equatable {
    let vm: Int
    let error: ManifestError
  }

  init(_ bytes: [UInt8]) throws {
    var rejected: [Rejected] = []
    manifest = try bytes.withUnsafeBytes { bytes in
      try SystemManifest(bundle: bytes, architecture: .aarch64) { rejected.append(Rejected(vm: $0, error: $1)) }
    }
    self.rejected = rejected
  }
}
