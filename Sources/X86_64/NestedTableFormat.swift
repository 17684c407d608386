import Kernel
import Virtualization

/// Nested translation with four levels, as the hypervisor's own paging mode makes it (AMD APM 2, 15.25).
struct NestedTableFormat: PageTableFormat, Equatable {
  typealias Input = GuestPhysicalAddress

  let outputBitCount: UInt64
  let largestLeafLevel: UInt64

  var rootLevel: UInt64 { 3 }
  var rootOrder: FrameOrder { .frame }
  var inputBitCount: UInt64 { 48 }

  /// - Parameter hasHugePages: Whether the processor has pages of 1 GiB (CPUID Fn8000_0001 EDX[26]).
  init(machine: PhysicalAddressRange, hasHugePages: Bool) {
    outputBitCount = machine.bitCount
    largestLeafLevel = hasHugePages ? 2 : 1
  }

  func leaf(to output: HostPhysicalAddress, _ attributes: PageAttributes, level: UInt64) -> UInt64 {
    TableEntry(leaf: output, attributes, isUser: true, level: level).rawValue
  }

  func link(to address: HostPhysicalAddress, level: UInt64) -> UInt64 {
    TableEntry(link: address, isUser: true).rawValue
  }

  func entry(_ rawValue: UInt64, level: UInt64) -> PageTableEntry {
    TableEntry(rawValue: rawValue).meaning(level: level, largestLeafLevel: largestLeafLevel)
  }
}
