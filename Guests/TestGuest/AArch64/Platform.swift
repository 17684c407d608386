import CGuestAArch64
import DeviceTree

/// What this machine has, as its device tree says.
struct Platform {
  private(set) var memory: [DeviceTreeRegister] = []
  /// The tree itself, which memory tests leave alone.
  private(set) var tree: DeviceTreeRegister
  private(set) var uart = DeviceTreeRegister(address: 0, byteCount: 0)
  /// Whether line and control can be set: not in the generic UART of the SBSA, which comes set.
  private(set) var hasUARTSettings = true
  /// The UART's interrupt as the GIC numbers it.
  private(set) var uartInterrupt: UInt32 = 0
  private(set) var distributor = DeviceTreeRegister(address: 0, byteCount: 0)
  private(set) var redistributors: [DeviceTreeRegister] = []
  private(set) var clock: DeviceTreeRegister?
  /// Affinity fields of MPIDR_EL1, one a CPU, the boot CPU first.
  private(set) var cpuIDs: [UInt64] = []
  private(set) var commandLine: [UInt8] = []

  /// More than any tree of a machine that this guest runs on.
  private static let treeLimit = 1 << 20

  /// Reads the device tree at a physical address that the identity map reaches; `nil` where there is none.
  init?(treeAddress: UInt64, bootCPU: UInt64) {
    // SAFETY: the boot protocol gives the address of a tree; it is mapped, and nothing writes there.
    let bytes = unsafe UnsafeRawBufferPointer(
      start: UnsafeRawPointer(bitPattern: UInt(treeAddress)), count: Self.treeLimit)
    // SAFETY: as above, for as long as the guest runs.
    guard let read = try? unsafe FlattenedDeviceTree(bytes) else { return nil }
    tree = DeviceTreeRegister(address: treeAddress, byteCount: UInt64(read.usedByteCount))
    cpuIDs.append(bootCPU)
    readDevices(read)
    readCPUs(read, bootCPU: bootCPU)
    if let line = read.node(path: "/chosen")?.property("bootargs")?.string { commandLine = [UInt8](line) }
  }

  private mutating func readDevices(_ read: FlattenedDeviceTree) {
    for node in read.root.children where node.isOfType("memory") {
      memory += node.registers
    }
    let full = read.firstNode(compatibleWith: "arm,pl011")
    if let node = full ?? read.firstNode(compatibleWith: "arm,sbsa-uart"), let register = first(of: node, read) {
      uart = register
      hasUARTSettings = full != nil
      // <SPI 0, number, flags>: SPI n is interrupt 32 + n.
      uartInterrupt = (node.property("interrupts")?.cell(1) ?? 0) &+ 32
    }
    if let node = read.firstNode(compatibleWith: "arm,pl031") { clock = first(of: node, read) }
    if let node = read.firstNode(compatibleWith: "arm,gic-v3") {
      var registers = [DeviceTreeRegister](node.registers)
      let count = Int(node.property("#redistributor-regions")?.u32 ?? 1)
      if !registers.isEmpty { distributor = registers.removeFirst() }
      redistributors = [DeviceTreeRegister](registers.prefix(count))
    }
  }

  private mutating func readCPUs(_ read: FlattenedDeviceTree, bootCPU: UInt64) {
    guard let cpus = read.node(path: "/cpus") else { return }
    for node in cpus.children where node.isOfType("cpu") {
      guard let id = node.registers.first(where: { _ in true })?.address, id != bootCPU else { continue }
      if cpuIDs.count < Int(GUEST_CPU_LIMIT) { cpuIDs.append(id) }
    }
  }

  private func first(of node: DeviceTreeNode, _ read: FlattenedDeviceTree) -> DeviceTreeRegister? {
    node.registers.first { _ in true }.flatMap { read.translate($0, of: node) }
  }
}

extension DeviceTreeNode {
  fileprivate func isOfType(_ type: StaticString) -> Bool { property("device_type")?.contains(type) ?? false }
}
