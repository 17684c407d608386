import DeviceTree
import Kernel
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

  /// What the machine's own Goldfish clock says, in nanoseconds since 1970; 0 where there is none.
  func readClock() -> UInt64 {
    guard let node = tree.firstNode(compatibleWith: "google,goldfish-rtc"), node.isEnabled else { return 0 }
    var registers = node.registers
    guard let own = registers.next(), let register = tree.translate(own, of: node) else { return 0 }
    let window = AddressMap.mapDevice(at: HostPhysicalAddress(register.address), byteCount: register.byteCount)
    // The lower half is read first and keeps the upper half that belongs to it.
    let low = UInt64(window.read32(0))
    return UInt64(window.read32(4)) << 32 | low
  }
}
