import Kernel
import Virtualization

/// An address of the hypervisor's own, without the bits that only repeat its highest one.
struct HypervisorAddress: TranslatedAddress {
  let rawValue: UInt64
  init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// A canonical address as the table counts.
  init(virtual address: UInt64) { rawValue = address & 0xffff_ffff_ffff }
}

/// Long mode's translation with four levels (AMD APM 2, 5.3).
struct HypervisorTableFormat: PageTableFormat, Equatable {
  typealias Input = HypervisorAddress

  let outputBitCount: UInt64

  var rootLevel: UInt64 { 3 }
  var rootOrder: FrameOrder { .frame }
  var inputBitCount: UInt64 { 48 }
  /// Pages of 1 GiB are not on every processor.
  var largestLeafLevel: UInt64 { 1 }

  init(machine: PhysicalAddressRange) { outputBitCount = machine.bitCount }

  func leaf(to output: HostPhysicalAddress, _ attributes: PageAttributes, level: UInt64) -> UInt64 {
    TableEntry(leaf: output, attributes, isUser: false, level: level).rawValue
  }

  func link(to address: HostPhysicalAddress, level: UInt64) -> UInt64 {
    TableEntry(link: address, isUser: false).rawValue
  }

  func entry(_ rawValue: UInt64, level: UInt64) -> PageTableEntry {
    TableEntry(rawValue: rawValue).meaning(level: level, largestLeafLevel: largestLeafLevel)
  }
}
