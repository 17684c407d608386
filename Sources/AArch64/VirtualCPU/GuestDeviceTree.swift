import CAArch64
import DeviceTree
import Kernel
import Manifest
import Synchronization
import Virtualization

/// The device tree that tells a guest what it has, with the places and names of QEMU's `virt`.
extension AArch64 {
  private static let interruptController: UInt32 = 1  // phandles
  private static let uartClock: UInt32 = 2

  /// First cell of an interrupt specifier (Linux, arm,gic-v3.yaml).
  private static let shared: UInt32 = 0
  private static let `private`: UInt32 = 1
  private static let levelHigh: UInt32 = 4

  public static func makeDeviceTree(for vm: Reference<VM<Self>>, manifest: borrowing VMManifest) -> [UInt8] {
    var tree = DeviceTreeBuilder()
    tree.beginNode("")
    tree.property("compatible", string: "linux,dummy-virt")
    tree.property("model", string: "apus,virt")
    tree.property("#address-cells", u32: 2)
    tree.property("#size-cells", u32: 2)
    tree.property("interrupt-parent", u32: interruptController)
    addChosen(to: &tree, manifest)
    for range in manifest.memory {
      tree.beginNode("memory", at: range.base.rawValue)
      tree.property("device_type", string: "memory")
      tree.property("reg", doublewords: [range.base.rawValue, range.byteCount])
      tree.endNode()
    }
    addCPUs(to: &tree, count: manifest.vcpus.count)
    addPSCI(to: &tree)
    addTimer(to: &tree)
    addInterruptController(to: &tree, vcpuCount: manifest.vcpus.count)
    addClocks(to: &tree)
    for device in manifest.devices { add(device, to: &tree) }
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
      tree.property("stdout-path", string: "/pl011@9000000")
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

  private static func addCPUs(to tree: inout DeviceTreeBuilder, count: Int) {
    tree.beginNode("cpus")
    tree.property("#address-cells", u32: 1)
    tree.property("#size-cells", u32: 0)
    for index in 0..<count {
      let affinity = VCPUAffinity(index: index).packed
      tree.beginNode("cpu", at: UInt64(affinity))
      tree.property("device_type", string: "cpu")
      tree.property("compatible", string: "arm,armv8")
      tree.property("reg", u32: affinity)
      tree.property("enable-method", string: "psci")
      tree.endNode()
    }
    tree.endNode()
  }

  private static func addPSCI(to tree: inout DeviceTreeBuilder) {
    tree.beginNode("psci")
    tree.property("compatible", strings: ["arm,psci-1.0", "arm,psci-0.2"])
    tree.property("method", string: "hvc")
    tree.endNode()
  }

  private static func addTimer(to tree: inout DeviceTreeBuilder) {
    tree.beginNode("timer")
    tree.property("compatible", string: "arm,armv8-timer")
    tree.property("always-on")
    // Secure, non-secure physical, virtual, hypervisor: PPIs 13, 14, 11, 10.
    tree.property(
      "interrupts",
      cells: [
        `private`, 13, levelHigh, `private`, 14, levelHigh, `private`, 11, levelHigh, `private`, 10, levelHigh,
      ])
    tree.endNode()
  }

  private static func addInterruptController(to tree: inout DeviceTreeBuilder, vcpuCount: Int) {
    tree.beginNode("intc", at: GuestPlace.distributor.rawValue)
    tree.property("compatible", string: "arm,gic-v3")
    tree.property("#interrupt-cells", u32: 3)
    tree.property("interrupt-controller")
    tree.property("#address-cells", u32: 2)
    tree.property("#size-cells", u32: 2)
    tree.property("#redistributor-regions", u32: 1)
    tree.property(
      "reg",
      doublewords: [
        GuestPlace.distributor.rawValue, VirtualGIC.distributorByteCount,
        GuestPlace.redistributors.rawValue, VirtualGIC.redistributorByteCount * UInt64(vcpuCount),
      ])
    tree.property("phandle", u32: interruptController)
    tree.endNode()
  }

  private static func addClocks(to tree: inout DeviceTreeBuilder) {
    tree.beginNode("apb-pclk")
    tree.property("compatible", string: "fixed-clock")
    tree.property("#clock-cells", u32: 0)
    tree.property("clock-frequency", u32: 24_000_000)
    tree.property("clock-output-names", string: "clk24mhz")
    tree.property("phandle", u32: uartClock)
    tree.endNode()
  }

  private static func add(_ device: DeviceManifest, to tree: inout DeviceTreeBuilder) {
    switch device.kind {
    case .uart:
      tree.beginNode("pl011", at: device.base.rawValue)
      tree.property("compatible", strings: ["arm,pl011", "arm,primecell"])
      tree.property("clocks", cells: [uartClock, uartClock])
      tree.property("clock-names", strings: ["uartclk", "apb_pclk"])
    case .clock:
      tree.beginNode("pl031", at: device.base.rawValue)
      tree.property("compatible", strings: ["arm,pl031", "arm,primecell"])
      tree.property("clocks", cells: [uartClock])
      tree.property("clock-names", string: "apb_pclk")
    }
    tree.property("reg", doublewords: [device.base.rawValue, device.byteCount])
    tree.property("interrupts", cells: [shared, device.interrupt, levelHigh])
    tree.endNode()
  }
}
