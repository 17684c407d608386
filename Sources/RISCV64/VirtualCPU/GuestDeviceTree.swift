import CRISCV64
import DeviceTree
import Kernel
import Manifest
import Synchronization
import Virtualization

/// The device tree that tells a guest what it has, with the places and names of QEMU's `virt`.
extension RISCV64 {
  private static let plicHandle: UInt32 = 1  // phandles
  private static let finisherHandle: UInt32 = 2
  private static func hartHandle(_ index: Int) -> UInt32 { 16 + UInt32(index) }

  public static func makeDeviceTree(for vm: Reference<VM<Self>>, manifest: borrowing VMManifest) -> [UInt8] {
    let identity = currentCPU.value.local.machine.value.identity
    var tree = DeviceTreeBuilder()
    tree.beginNode("")
    tree.property("compatible", string: "riscv-virtio")
    tree.property("model", string: "apus,virt")
    tree.property("#address-cells", u32: 2)
    tree.property("#size-cells", u32: 2)
    addChosen(to: &tree, manifest)
    for range in manifest.memory {
      tree.beginNode("memory", at: range.base.rawValue)
      tree.property("device_type", string: "memory")
      tree.property("reg", doublewords: [range.base.rawValue, range.byteCount])
      tree.endNode()
    }
    addCPUs(to: &tree, count: manifest.vcpus.count, identity)
    tree.beginNode("soc")
    tree.property("compatible", string: "simple-bus")
    tree.property("#address-cells", u32: 2)
    tree.property("#size-cells", u32: 2)
    tree.property("ranges")
    addPLIC(to: &tree, vcpuCount: manifest.vcpus.count)
    addFinisher(to: &tree)
    for device in manifest.devices { add(device, to: &tree) }
    tree.endNode()
    addPower(to: &tree, "poweroff", "syscon-poweroff", 0x5555)
    addPower(to: &tree, "reboot", "syscon-reboot", 0x7777)
    tree.endNode()
    return tree.finish()
  }

  private static func addChosen(to tree: inout DeviceTreeBuilder, _ manifest: borrowing VMManifest) {
    tree.beginNode("chosen")
    if !manifest.commandLine.isEmpty { tree.property("bootargs", string: manifest.commandLine) }
    addSeeds(to: &tree)
    if let ramdisk = manifest.ramdisk {
      tree.property("linux,initrd-start", u64: ramdisk.base.rawValue)
      tree.property("linux,initrd-end", u64: ramdisk.base.rawValue + ramdisk.byteCount)
    }
    for device in manifest.devices where device.kind == .uart {
      tree.property("stdout-path", string: "/soc/serial@10000000")
    }
    tree.endNode()
  }

  /// What Linux takes its layout and its first random numbers from; never the same twice.
  private static func addSeeds(to tree: inout DeviceTreeBuilder) {
    let machine = currentCPU.value.local.machine
    guard let seeds = machine.value.seeds else { return }
    let number = machine.value.seedCount.add(1, ordering: .relaxed).newValue
    let block = seeds.block(nonce: (UInt32(truncatingIfNeeded: number), 0, 0), counter: 0)
    tree.property("kaslr-seed", bytes: [UInt8](block[0..<8]))
    tree.property("rng-seed", bytes: [UInt8](block[32..<64]))
  }

  private static func addCPUs(to tree: inout DeviceTreeBuilder, count: Int, _ identity: CPUIdentity) {
    tree.beginNode("cpus")
    tree.property("#address-cells", u32: 1)
    tree.property("#size-cells", u32: 0)
    tree.property("timebase-frequency", u32: UInt32(truncatingIfNeeded: identity.timebaseHz))
    for index in 0..<count {
      tree.beginNode("cpu", at: UInt64(index))
      tree.property("device_type", string: "cpu")
      tree.property("compatible", string: "riscv")
      tree.property("reg", u32: UInt32(index))
      tree.property("status", string: "okay")
      addExtensions(to: &tree, identity)
      tree.property("mmu-type", string: "riscv,sv39")
      tree.beginNode("interrupt-controller")
      tree.property("compatible", string: "riscv,cpu-intc")
      tree.property("#interrupt-cells", u32: 1)
      tree.property("interrupt-controller")
      tree.property("phandle", u32: hartHandle(index))
      tree.endNode()
      tree.endNode()
    }
    tree.endNode()
  }

  /// What a guest may use: what every hart with the H extension has beside it, and the timer where there is one. In the old
  /// form and in the new (Linux, riscv/extensions.yaml).
  private static func addExtensions(to tree: inout DeviceTreeBuilder, _ identity: CPUIdentity) {
    tree.property("riscv,isa-base", string: "rv64i")
    if identity.hasSstc {
      tree.property("riscv,isa", string: "rv64imafdc_zicsr_zifencei_sstc")
      tree.property(
        "riscv,isa-extensions", strings: ["i", "m", "a", "f", "d", "c", "zicsr", "zifencei", "sstc"])
    } else {
      tree.property("riscv,isa", string: "rv64imafdc_zicsr_zifencei")
      tree.property("riscv,isa-extensions", strings: ["i", "m", "a", "f", "d", "c", "zicsr", "zifencei"])
    }
  }

  private static func addPLIC(to tree: inout DeviceTreeBuilder, vcpuCount: Int) {
    tree.beginNode("plic", at: GuestPlace.plic.rawValue)
    tree.property("compatible", strings: ["sifive,plic-1.0.0", "riscv,plic0"])
    tree.property("#interrupt-cells", u32: 1)
    tree.property("#address-cells", u32: 0)
    tree.property("interrupt-controller")
    tree.property("reg", doublewords: [GuestPlace.plic.rawValue, VirtualPLIC.byteCount])
    tree.property("riscv,ndev", u32: UInt32(VirtualPLIC.sourceLimit - 1))
    // Context n is S-mode of hart n, by its external interrupt.
    var wires: [UInt32] = []
    for index in 0..<vcpuCount { wires += [hartHandle(index), 9] }
    tree.property("interrupts-extended", cells: wires)
    tree.property("phandle", u32: plicHandle)
    tree.endNode()
  }

  private static func addFinisher(to tree: inout DeviceTreeBuilder) {
    tree.beginNode("test", at: GuestPlace.testFinisher.rawValue)
    tree.property("compatible", strings: ["sifive,test1", "sifive,test0", "syscon"])
    tree.property("reg", doublewords: [GuestPlace.testFinisher.rawValue, GuestPlace.testFinisherByteCount])
    tree.property("phandle", u32: finisherHandle)
    tree.endNode()
  }

  private static func addPower(
    to tree: inout DeviceTreeBuilder, _ name: StaticString, _ compatible: StaticString, _ value: UInt32
  ) {
    tree.beginNode(name)
    tree.property("compatible", string: compatible)
    tree.property("regmap", u32: finisherHandle)
    tree.property("offset", u32: 0)
    tree.property("value", u32: value)
    tree.endNode()
  }

  private static func add(_ device: DeviceManifest, to tree: inout DeviceTreeBuilder) {
    switch device.kind {
    case .uart:
      tree.beginNode("serial", at: device.base.rawValue)
      tree.property("compatible", string: "ns16550a")
      tree.property("clock-frequency", u32: 3_686_400)
    case .clock:
      tree.beginNode("rtc", at: device.base.rawValue)
      tree.property("compatible", string: "google,goldfish-rtc")
    }
    tree.property("reg", doublewords: [device.base.rawValue, device.byteCount])
    tree.property("interrupt-parent", u32: plicHandle)
    tree.property("interrupts", cells: [device.interrupt])
    tree.endNode()
  }
}
