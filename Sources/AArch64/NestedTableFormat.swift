import Kernel
import Virtualization

/// Stage 2 translation with 4 KiB pages (Arm ARM DDI 0487, D8.2 and D8.3; no LPA2, HCR_EL2.FWB clear).
///
/// Arm counts levels downwards: its level 3 is level 0 here, its level 1, with 1 GiB blocks, level 2.
///
/// Up to 39 bits of guest-physical address take one table at Arm's level 1, 40 to 43 bits up to 16 tables in a row there,
/// 44 to 48 bits one table at Arm's level 0.
struct NestedTableFormat: PageTableFormat, Equatable {
  typealias Input = GuestPhysicalAddress

  let rootLevel: UInt64
  let rootOrder: FrameOrder
  let inputBitCount: UInt64
  let outputBitCount: UInt64
  private let outputRange: PhysicalAddressRange

  var largestLeafLevel: UInt64 { 2 }

  /// - Parameter inputBitCount: Bits of a guest-physical address; 32 to 48, and no more than the machine's own have.
  init?(inputBitCount: UInt64, machine: PhysicalAddressRange) {
    guard inputBitCount >= 32, inputBitCount <= machine.bitCount else { return nil }
    let tableCountShift = inputBitCount > 39 && inputBitCount < 44 ? inputBitCount &- 39 : 0
    guard let rootOrder = FrameOrder(rawValue: UInt8(truncatingIfNeeded: tableCountShift)) else { return nil }
    self.rootOrder = rootOrder
    rootLevel = inputBitCount < 44 ? 2 : 3
    self.inputBitCount = inputBitCount
    outputBitCount = machine.bitCount
    outputRange = machine
  }

  // MARK: - Registers

  /// The controls under which hardware walks tables of this format.
  ///
  /// - Parameter hasWideVMIDs: Whether VMIDs have 16 bits (ID_AA64MMFR1_EL1.VMIDBits).
  func controls(hasWideVMIDs: Bool) -> VTCR_EL2 {
    let walks = VTCR_EL2.irgn0.placed(1) | VTCR_EL2.orgn0.placed(1) | VTCR_EL2.sh0.placed(3) | VTCR_EL2.tg0.placed(0)
    // SL0 is 1 for Arm's level 1 and 2 for its level 0.
    let size = VTCR_EL2.t0sz.placed(64 &- inputBitCount) | VTCR_EL2.sl0.placed(rootLevel &- 1)
    let output = VTCR_EL2.ps.placed(outputRange.encoding) | VTCR_EL2.vs.placed(hasWideVMIDs ? 1 : 0)
    return VTCR_EL2(rawValue: walks | size | output | VTCR_EL2.res1.placed(1))
  }

  // MARK: - Entries

  /// Fields of an entry (Arm ARM DDI 0487, D8.3.1 and D8.3.2).
  private enum Field {
    static let valid = BitField(0, 0)
    static let isTableOrPage = BitField(1, 1)  // at Arm's level 3 a page, above it a table; else a block
    static let memAttr = BitField(5, 2)  // memory type; 0b1111: write-back, 0b0001: Device-nGnRE
    static let s2ap = BitField(7, 6)  // bit 0: loads, bit 1: stores
    static let sh = BitField(9, 8)  // 3: inner shareable; of no effect for devices
    static let accessFlag = BitField(10, 10)
    static let address = BitField(47, 12)
    static let xn = BitField(54, 53)  // 0: both EL1 and EL0 execute, 2: neither
  }

  func leaf(to output: HostPhysicalAddress, _ attributes: PageAttributes, level: UInt64) -> UInt64 {
    let permissions = attributes.permissions
    let s2ap: UInt64 = (permissions.contains(.read) ? 1 : 0) | (permissions.contains(.write) ? 2 : 0)
    let type: UInt64 =
      switch attributes.memoryType {
      case .normal: Field.memAttr.placed(0b1111) | Field.sh.placed(3)
      case .device: Field.memAttr.placed(0b0001)
      }
    return output.rawValue | type | Field.s2ap.placed(s2ap) | Field.xn.placed(permissions.contains(.execute) ? 0 : 2)
      | Field.accessFlag.mask | Field.isTableOrPage.placed(level == 0 ? 1 : 0) | Field.valid.mask
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
    let s2ap = Field.s2ap.value(in: rawValue)
    var permissions: AccessPermissions = Field.xn.value(in: rawValue) == 0 ? .execute : []
    if s2ap & 1 != 0 { permissions.insert(.read) }
    if s2ap & 2 != 0 { permissions.insert(.write) }
    let type: MemoryType = Field.memAttr.value(in: rawValue) == 0b1111 ? .normal : .device
    return .leaf(address, PageAttributes(permissions, type))
  }
}
