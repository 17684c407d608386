import DeviceTree
import VMM

/// What only a RISC-V machine's device tree has.
extension Platform {
  /// The node of a hart, enabled or not.
  func hart(_ id: UInt64) -> DeviceTreeNode? {
    tree.root.child("cpus")?.children.first { node in
      var registers = node.registers
      return node.baseName == "cpu" && registers.next()?.address == id
    }
  }

  /// Ticks of `time` in a second.
  var timebaseHz: UInt64? {
    guard let cpus = tree.root.child("cpus") else { return nil }
    return cpus.property("timebase-frequency").flatMap { $0.u32.map { UInt64($0) } ?? $0.u64 }
  }
}
