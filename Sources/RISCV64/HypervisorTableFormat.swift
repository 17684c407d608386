import Kernel
import Virtualization

/// An address of the hypervisor's own, without the bits that only repeat its highest one.
struct HypervisorAddress: TranslatedAddress {
  let rawValue: UInt64
  init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// Translation of HS-mode by `satp`: Sv39, Sv48 or Sv57 (RISC-V privileged architecture, "Supervisor-Level ISA").
struct HypervisorTableFormat: PageTableFormat, Equatable {
  typealias Input = HypervisorAddress

  let mode: TranslationMode

  var rootLevel: UInt64 { mode.rootLevel }
  var rootOrder: FrameOrder { .frame }
  var inputBitCount: UInt64 { mode.virtualBitCount }
  var outputBitCount: UInt64 { 56 }
  var largestLeafLevel: UInt64 { 2 }

  init(_ mode: TranslationMode) { self.mode = mode }

  // MARK: - Addresses

  /// A virtual address as the table counts; nil where its upper bits do not all repeat the highest that is translated.
  func input(_ virtualAddress: UInt64) -> HypervisorAddress? {
    let input = HypervisorAddress(virtualAddress & (1 << inputBitCount &- 1))
    return self.virtualAddress(of: input) == virtualAddress ? input : nil
  }

  /// The virtual address that instructions use.
  func virtualAddress(of input: HypervisorAddress) -> UInt64 {
    let unused = 64 &- inputBitCount
    return UInt64(bitPattern: Int64(bitPattern: input.rawValue &<< unused) &>> Int64(unused))
  }

  // MARK: - Registers

  /// The value of `satp` that puts the table at `root` in force, with address-space identifier 0.
  func controls(root: HostPhysicalAddress) -> satp { satp(mode, root: root.rawValue) }

  // MARK: - Entries

  func leaf(to output: HostPhysicalAddress, _ attributes: PageAttributes, level: UInt64) -> UInt64 {
    TableEntry(leaf: output, attributes, isUser: false).rawValue
  }

  func link(to address: HostPhysicalAddress, level: UInt64) -> UInt64 { TableEntry(link: address).rawValue }

  func entry(_ rawValue: UInt64, level: UInt64) -> PageTableEntry {
    TableEntry(rawValue: rawValue).meaning(level: level, largestLeafLevel: largestLeafLevel)
  }
}
