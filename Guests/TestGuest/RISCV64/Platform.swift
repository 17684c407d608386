import CGuestRISCV64
import DeviceTree

/// What this machine has, as its device tree says.
struct Platform {
  private(set) var memory: [DeviceTreeRegister] = []
  /// What memory tests leave alone: the image, the tree itself and what the firmware keeps.
  private(set) var used: [DeviceTreeRegister] = []
  private(set) var uart = DeviceTreeRegister(address: 0, byteCount: 0)
  private(set) var uartInterrupt: UInt32 = 0
  private(set) var plic = DeviceTreeRegister(address: 0, byteCount: 0)
  private(set) var clock: DeviceTreeRegister?
  private(set) var cpus: [CPU] = []
  private(set) var timebaseFrequencyHz: UInt64 = 0
  private(set) var commandLine: [UInt8] = []

  /// A hart that the tree names, the boot hart first.
  struct CPU {
    let hart: UInt64
    /// Its context of the PLIC in S mode.
    let context: UInt64
    /// Whether `stimecmp` is there.
    let hasSstc: Bool
  }

  /// More than any tree of a machine that this guest runs on.
  private static let treeLimit = 1 << 20

  /// Reads the device tree at a physical address that the identity map reaches; `nil` where there is none.
  init?(treeAddress: UInt64, bootHart: UInt64) {
    // SAFETY: the boot protocol gives the address of a tree; it is mapped, and nothing writes there.
    let bytes = unsafe UnsafeRawBufferPointer(
      start: UnsafeRawPointer(bitPattern: UInt(treeAddress)), count: Self.treeLimit)
    // SAFETY: as above, for as long as the guest runs.
    guard let read = try? unsafe FlattenedDeviceTree(bytes) else { return nil }
    used.append(DeviceTreeRegister(address: treeAddress, byteCount: UInt64(read.usedByteCount)))
    used.append(
      DeviceTreeRegister(address: guest_load_address(), byteCount: guest_end_address() - guest_link_address()))
    readMemory(read)
    readDevices(read)
    readCPUs(read, bootHart: bootHart)
    if let line = read.node(path: "/chosen")?.property("bootargs")?.string { commandLine = [UInt8](line) }
  }

  private mutating func readMemory(_ read: FlattenedDeviceTree) {
    for node in read.root.children where node.isOfType("memory") { memory += node.registers }
    used += read.memoryReservations
    guard let node = read.node(path: "/reserved-memory") else { return }
    for child in node.children { used += child.registers }
  }

  private mutating func readDevices(_ read: FlattenedDeviceTree) {
    if let node = read.firstNode(compatibleWith: "ns16550a"), let register = first(of: node, read) {
      uart = register
      uartInterrupt = node.property("interrupts")?.cell(0) ?? 0
    }
    if let node = read.firstNode(compatibleWith: "google,goldfish-rtc") { clock = first(of: node, read) }
    if let node = read.firstNode(compatibleWith: "riscv,plic0"), let register = first(of: node, read) {
      plic = register
    }
  }

  private mutating func readCPUs(_ read: FlattenedDeviceTree, bootHart: UInt64) {
    guard let node = read.node(path: "/cpus") else { return }
    timebaseFrequencyHz = UInt64(node.property("timebase-frequency")?.u32 ?? 0)
    let contexts = read.firstNode(compatibleWith: "riscv,plic0")?.property("interrupts-extended")
    for node in node.children where node.isOfType("cpu") && node.isEnabled {
      guard let hart = node.registers.first(where: { _ in true })?.address, cpus.count < Int(GUEST_CPU_LIMIT),
        let controller = node.child("interrupt-controller")?.phandle,
        let context = Self.context(of: controller, in: contexts)
      else { continue }
      let cpu = CPU(hart: hart, context: context, hasSstc: Self.hasSstc(node))
      if hart == bootHart { cpus.insert(cpu, at: 0) } else { cpus.append(cpu) }
    }
  }

  /// The context that raises the hart's external interrupt for S mode, number 9.
  private static func context(of controller: UInt32, in contexts: DeviceTreeProperty?) -> UInt64? {
    guard let contexts else { return nil }
    for index in 0..<contexts.cellCount / 2
    where contexts.cell(index * 2) == controller && contexts.cell(index * 2 + 1) == 9 {
      return UInt64(index)
    }
    return nil
  }

  /// Looks in the list of extensions, and in the string where there is none.
  private static func hasSstc(_ node: DeviceTreeNode) -> Bool {
    if let list = node.property("riscv,isa-extensions") { return list.contains("sstc") }
    guard let isa = node.property("riscv,isa")?.string else { return false }
    return [UInt8](isa).split(separator: 0x5F).contains { $0.elementsEqual([0x73, 0x73, 0x74, 0x63]) }
  }

  private func first(of node: DeviceTreeNode, _ read: FlattenedDeviceTree) -> DeviceTreeRegister? {
    node.registers.first { _ in true }.flatMap { read.translate($0, of: node) }
  }
}

extension DeviceTreeNode {
  fileprivate func isOfType(_ type: StaticString) -> Bool { property("device_type")?.contains(type) ?? false }
}
