import DeviceTree
import VMM

/// What only an Arm machine's device tree has.
extension Platform {
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

  /// How PSCI is reached: true for SMC, the only way out of EL2. Nil where the firmware has none.
  var hasPSCIBySMC: Bool {
    guard let node = tree.root.child("psci"), let method = node.property("method")?.string else { return false }
    return method == "smc"
  }
}
