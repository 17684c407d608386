import Kernel
import Virtualization

/// G-stage translation by `hgatp`: Sv39x4, Sv48x4 or Sv57x4 (RISC-V privileged architecture, "Two-Stage Address Translation").
///
/// A guest-physical address has two bits more than a virtual address of as many levels, so the root is four tables in a row.
struct NestedTableFormat: PageTableFormat, Equatable {
  typealias Input = GuestPhysicalAddress

  let mode: TranslationMode

  var rootLevel: UInt64 { mode.rootLevel }
  /// 16 KiB.
  let rootOrder: FrameOrder
  var inputBitCount: UInt64 { mode.virtualBitCount &+ 2 }
  var outputBitCount: UInt64 { 56 }
  var largestLeafLevel: UInt64 { 2 }

  init?(_ mode: TranslationMode) {
    guard let rootOrder = FrameOrder(rawValue: 2) else { return nil }
    self.rootOrder = rootOrder
    self.mode = mode
  }

  // MARK: - Registers

  /// The value of `hgatp` that puts the table at `root` in force for a guest with this identifier.
  func controls(root: HostPhysicalAddress, vmid: UInt64) -> hgatp { hgatp(mode, root: root.rawValue, vmid: vmid) }

  // MARK: - Entries

  func leaf(to output: HostPhysicalAddress, _ attributes: PageAttributes, level: UInt64) -> UInt64 {
    TableEntry(leaf: output, attributes, isUser: true).rawValue
  }

  func link(to address: HostPhysicalAddress, level: UInt64) -> UInt64 { TableEntry(link: address).rawValue }

  func entry(_ rawValue: UInt64, level: UInt64) -> PageTableEntry {
    TableEntry(rawValue: rawValue).meaning(level: level, largestLeafLevel: largestLeafLevel)
  }
}
