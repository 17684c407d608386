import Kernel
import Virtualization

/// An address of the hypervisor's own, as the EL2 translation regime sees it.
struct HypervisorAddress: TranslatedAddress {
  let rawValue: UInt64
  init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// Stage 1 translation of EL2 with HCR_EL2.E2H clear: one range of 48 bits, 4 KiB pages (Arm ARM DDI 0487, D8.2 and D8.3).
///
/// Arm counts levels downwards: its level 3 is level 0 here. Whatever is mapped can be read; there is no other way.
struct HypervisorTableFormat: PageTableFormat, Equatable {
  typealias Input = HypervisorAddress

  let outputBitCount: UInt64
  private let outputRange: PhysicalAddressRange

  var rootLevel: UInt64 { 3 }
  var rootOrder: FrameOrder { .frame }
  var inputBitCount: UInt64 { 48 }
  var largestLeafLevel: UInt64 { 2 }

  init(machine: PhysicalAddressRange) {
    outputBitCount = machine.bitCount
    outputRange = machine
  }

  // MARK: - Registers

  /// MAIR_EL2: index 0 is write-back, write-allocate memory, index 1 Device-nGnRE.
  static let memoryAttributes: UInt64 = 0x04ff

  /// TCR_EL2: T0SZ 16, write-back, inner shareable walks, 4 KiB pages, the machine's output size; bits 31 and 23 are RES1.
  var controls: UInt64 {
    BitField(5, 0).placed(16) | BitField(9, 8).placed(1) | BitField(11, 10).placed(1) | BitField(13, 12).placed(3)
      | BitField(18, 16).placed(outputRange.encoding) | BitField(23, 23).mask | BitField(31, 31).mask
  }

  // MARK: - Entries

  /// Fields of an entry (Arm ARM DDI 0487, D8.3.1 and D8.3.2).
  private enum Field {
    static let valid = BitField(0, 0)
    static let isTableOrPage = BitField(1, 1)  // at Arm's level 3 a page, above it a table; else a block
    static let attrIndx = BitField(4, 2)  // which byte of MAIR_EL2 holds the memory type
    static let ap1 = BitField(6, 6)  // RES1 in a regime without EL0
    static let ap2 = BitField(7, 7)  // no stores
    static let sh = BitField(9, 8)  // 3: inner shareable; of no effect for devices
    static let accessFlag = BitField(10, 10)
    static let address = BitField(47, 12)
    static let xn = BitField(54, 54)
  }

  func leaf(to output: HostPhysicalAddress, _ attributes: PageAttributes, level: UInt64) -> UInt64 {
    let permissions = attributes.permissions
    let type: UInt64 =
      switch attributes.memoryType {
      case .normal: Field.attrIndx.placed(0) | Field.sh.placed(3)
      case .device: Field.attrIndx.placed(1)
      }
    return output.rawValue | type | Field.ap1.mask | Field.ap2.placed(permissions.contains(.write) ? 0 : 1)
      | Field.xn.placed(permissions.contains(.execute) ? 0 : 1) | Field.accessFlag.mask
      | Field.isTableOrPage.placed(level == 0 ? 1 : 0) | Field.valid.mask
  }

  func link(to address: HostPhysicalAddress, level: UInt64) -> UInt64 {
    address.rawValue | Field.isTableOrPage.mask | Field.valid.mask
  }

  func entry(_ rawValue: UInt64, level: UInt64) -> PageTableEntry {
    guard rawValue & Field.valid.mask != 0 else { return .absent }
    let address = HostPhysicalAddress(rawValue & Field.address.mask)
    let isTableOrPage = rawValue & Field.isTableOrPage.mask != 0
    if isTableOrPage && level > 0 { return .table(address) }
    // A block at Arm's level 0 or 3 is reserved, and to hardware an absent entry.
    guard isTableOrPage == (level == 0), level <= largestLeafLevel else { return .absent }
    var permissions: AccessPermissions = .read
    if rawValue & Field.ap2.mask == 0 { permissions.insert(.write) }
    if rawValue & Field.xn.mask == 0 { permissions.insert(.execute) }
    let type: MemoryType = Field.attrIndx.value(in: rawValue) == 0 ? .normal : .device
    return .leaf(address, PageAttributes(permissions, type))
  }
}
