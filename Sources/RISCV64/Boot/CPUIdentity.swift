import CRISCV64
import DeviceTree
import Kernel
import VMM

/// What the harts can do, by the boot hart's node in the device tree; all are of one kind to guests.
struct CPUIdentity {
  /// Ticks of `time` in a second.
  let timebaseHz: UInt64
  let hasHypervisor: Bool
  /// A timer of its own for HS-mode and one for guests.
  let hasSstc: Bool
  /// How guest-physical addresses are translated; nil where no mode was accepted.
  let nested: NestedTableFormat?
  let vmidBitCount: UInt64

  /// - Parameter hart: The boot hart.
  static func read(_ platform: Platform, hart: UInt64) -> Self {
    let extensions = platform.hart(hart).map(Extensions.init) ?? Extensions()
    return Self(
      timebaseHz: platform.timebaseHz ?? 10_000_000, hasHypervisor: extensions.h, hasSstc: extensions.sstc,
      nested: extensions.h ? findNestedFormat() : nil, vmidBitCount: extensions.h ? findVMIDBitCount() : 0)
  }

  private struct Extensions {
    var h = false
    var sstc = false
    init() {}
    init(_ node: DeviceTreeNode) {
      guard let isa = node.property("riscv,isa")?.string else { return }
      var index = 4
      while index < isa.count, isa[index] != UInt8(ascii: "_") {
        if isa[index] == UInt8(ascii: "h") { h = true }
        index += 1
      }
      for start in 0..<isa.count {
        if let rest = isa.slice(start..<isa.count), rest.starts(with: "_sstc") { sstc = true }
      }
    }
  }

  /// The smallest mode that the hart takes: the fewest steps of a walk, and 41 bits are enough for a guest.
  private static func findNestedFormat() -> NestedTableFormat? {
    for mode in [TranslationMode.threeLevels, .fourLevels, .fiveLevels] {
      let wanted = hgatp(mode, root: 0, vmid: 0).rawValue
      write_hgatp(wanted)
      let isTaken = read_hgatp() == wanted
      write_hgatp(0)
      if isTaken { return NestedTableFormat(mode) }
    }
    return nil
  }

  /// Ones are kept where there is a bit (RISC-V privileged architecture, `hgatp`).
  private static func findVMIDBitCount() -> UInt64 {
    write_hgatp(hgatp.vmid.mask)
    let kept = hgatp.vmid.value(in: read_hgatp())
    write_hgatp(0)
    return UInt64(kept.nonzeroBitCount)
  }
}
