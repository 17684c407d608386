import DeviceTree
import Kernel

/// What the firmware's device tree says about the machine. Read before there is a heap, so it holds only places in the tree.
struct Platform {
  let tree: FlattenedDeviceTree

  /// Each range of RAM.
  func forEachMemoryRange(_ body: (HostPhysicalRange) -> Void) {
    tree.visitNodes { node in
      if let type = node.property("device_type")?.string, type == "memory", node.isEnabled {
        for register in node.registers {
          if let range = HostPhysicalRange(base: HostPhysicalAddress(register.address), byteCount: register.byteCount) {
            body(range)
          }
        }
      }
      return .continue
    }
  }

  /// Each range of RAM that is not free: the firmware's reservations and the bundle.
  func forEachReservedRange(_ body: (HostPhysicalRange) -> Void) {
    for register in tree.memoryReservations {
      if let range = HostPhysicalRange(base: HostPhysicalAddress(register.address), byteCount: register.byteCount) {
        body(range)
      }
    }
    if let reserved = tree.root.child("reserved-memory") {
      for node in reserved.children {
        for register in node.registers {
          if let range = HostPhysicalRange(base: HostPhysicalAddress(register.address), byteCount: register.byteCount) {
            body(range)
          }
        }
      }
    }
    if let bundle { body(bundle) }
  }

  private var chosen: DeviceTreeNode? { tree.root.child("chosen") }

  /// The initrd that the loader placed.
  var bundle: HostPhysicalRange? {
    guard let start = number(chosen?.property("linux,initrd-start")),
      let end = number(chosen?.property("linux,initrd-end")), end > start
    else { return nil }
    return HostPhysicalRange(base: HostPhysicalAddress(start), byteCount: end - start)
  }

  /// What the user wrote behind `-append`.
  var bootArguments: DeviceTreeBytes? { chosen?.property("bootargs")?.string }

  /// What the firmware has drawn for the kernel's random numbers, at most 32 bytes. Needs the heap.
  var seed: [UInt8] { (chosen?.property("rng-seed")?.value).map { [UInt8]($0.prefix(32)) } ?? [] }

  private func number(_ property: DeviceTreeProperty?) -> UInt64? {
    guard let property else { return nil }
    if let word = property.u32 { return UInt64(word) }
    return property.u64
  }

  /// The console that `/chosen` names, else the first serial port the hypervisor has a driver for.
  var serialPort: SerialPort? {
    if let path = chosen?.property("stdout-path")?.string, let node = tree.node(path: path),
      let port = SerialPort(node, of: tree)
    {
      return port
    }
    for model in SerialPort.Model.allCases {
      if let node = tree.firstNode(compatibleWith: model.compatible), let port = SerialPort(node, of: tree) {
        return port
      }
    }
    return nil
  }

  struct SerialPort {
    let model: Model
    let registers: DeviceTreeRegister
    /// Bytes from one register to the next, as a power of two.
    let registerShift: Int
    /// The shared interrupt's INTID; nil where the node names none.
    let interrupt: UInt32?

    enum Model: CaseIterable {
      case pl011
      case ns16550a
      case snpsAPB

      var compatible: StaticString {
        switch self {
        case .pl011: "arm,pl011"
        case .ns16550a: "ns16550a"
        case .snpsAPB: "snps,dw-apb-uart"
        }
      }
    }

    init?(_ node: DeviceTreeNode, of tree: FlattenedDeviceTree) {
      guard node.isEnabled, let model = Model.allCases.first(where: { node.isCompatible(with: $0.compatible) })
      else { return nil }
      var registers = node.registers
      guard let first = registers.next(), let translated = tree.translate(first, of: node) else { return nil }
      self.model = model
      self.registers = translated
      registerShift = Int(node.property("reg-shift")?.u32 ?? 0)
      interrupt = Platform.sharedInterrupt(of: node)
    }
  }

  /// The INTID in the first entry of a GIC-style `interrupts` property.
  static func sharedInterrupt(of node: DeviceTreeNode) -> UInt32? {
    guard let property = node.property("interrupts"), property.cell(0) == 0, let number = property.cell(1), number < 988
    else { return nil }
    return number + 32
  }

  /// The interrupt controller's distributor and redistributor regions.
  func forEachGICv3Region(_ body: (Int, DeviceTreeRegister) -> Void) -> Bool {
    guard let node = tree.firstNode(compatibleWith: "arm,gic-v3") else { return false }
    var index = 0
    for register in node.registers {
      if let translated = tree.translate(register, of: node) { body(index, translated) }
      index += 1
    }
    return true
  }

  var redistributorRegionCount: Int {
    Int(tree.firstNode(compatibleWith: "arm,gic-v3")?.property("#redistributor-regions")?.u32 ?? 1)
  }

  /// The MPIDR affinity of each CPU, in the tree's order, but for those that the firmware has disabled.
  func forEachCPU(_ body: (UInt64) -> Void) {
    guard let cpus = tree.root.child("cpus") else { return }
    for node in cpus.children {
      guard let type = node.property("device_type")?.string, type == "cpu", node.isEnabled else { continue }
      var registers = node.registers
      if let register = registers.next() { body(register.address) }
    }
  }

  /// How PSCI is reached: true for SMC, the only way out of EL2. Nil where the firmware has none.
  var hasPSCIBySMC: Bool {
    guard let node = tree.root.child("psci"), let method = node.property("method")?.string else { return false }
    return method == "smc"
  }
}
