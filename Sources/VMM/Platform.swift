import DeviceTree
import Kernel

/// What the firmware's device tree says about the machine. Read before there is a heap, so it holds only places in the tree.
public struct Platform {
  public let tree: FlattenedDeviceTree

  public init(tree: FlattenedDeviceTree) { self.tree = tree }

  /// Each range of RAM.
  public func forEachMemoryRange(_ body: (HostPhysicalRange) -> Void) {
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
  public func forEachReservedRange(_ body: (HostPhysicalRange) -> Void) {
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
  public var bundle: HostPhysicalRange? {
    guard let start = number(chosen?.property("linux,initrd-start")),
      let end = number(chosen?.property("linux,initrd-end")), end > start
    else { return nil }
    return HostPhysicalRange(base: HostPhysicalAddress(start), byteCount: end - start)
  }

  /// What the user wrote behind `-append`.
  public var bootArguments: DeviceTreeBytes? { chosen?.property("bootargs")?.string }

  /// What the firmware has drawn for the kernel's random numbers, at most 32 bytes. Needs the heap.
  public var seed: [UInt8] { (chosen?.property("rng-seed")?.value).map { [UInt8]($0.prefix(32)) } ?? [] }

  private func number(_ property: DeviceTreeProperty?) -> UInt64? {
    guard let property else { return nil }
    if let word = property.u32 { return UInt64(word) }
    return property.u64
  }

  /// The console that `/chosen` names, else the first serial port the hypervisor has a driver for.
  public var serialPort: SerialPort? {
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

  public struct SerialPort {
    public let model: Model
    public let registers: DeviceTreeRegister
    /// Bytes from one register to the next, as a power of two.
    public let registerShift: Int
    /// Its node, whose `interrupts` are read as the interrupt controller wants.
    public let node: DeviceTreeNode

    public enum Model: CaseIterable {
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
      self.node = node
    }
  }

  /// The hardware's name of each CPU (MPIDR affinity, hart), in the tree's order, but for those that the firmware has
  /// disabled.
  public func forEachCPU(_ body: (UInt64) -> Void) {
    guard let cpus = tree.root.child("cpus") else { return }
    for node in cpus.children {
      guard let type = node.property("device_type")?.string, type == "cpu", node.isEnabled else { continue }
      var registers = node.registers
      if let register = registers.next() { body(register.address) }
    }
  }
}
