import Kernel
import Virtualization

/// An entry of a page table in long mode, the hypervisor's own or a nested one (AMD APM 2, 5.3 and 5.4).
struct TableEntry: RawRepresentable, Equatable, Sendable {
  let rawValue: UInt64

  static let present = BitField(0, 0)
  static let writable = BitField(1, 1)
  static let user = BitField(2, 2)  // to nested translation every access is a user's (15.25.5)
  static let writeThrough = BitField(3, 3)
  static let cacheDisabled = BitField(4, 4)  // with `writeThrough`: uncacheable by the PAT's value at power-on
  static let accessed = BitField(5, 5)
  static let dirty = BitField(6, 6)
  static let large = BitField(7, 7)  // a leaf above level 0
  static let address = BitField(51, 12)
  static let noExecute = BitField(63, 63)

  init(rawValue: UInt64) { self.rawValue = rawValue }

  /// A leaf. Accessed and dirty are set, so that no walk needs to write them.
  ///
  /// Whatever is mapped can be read; there is no other way.
  init(leaf output: HostPhysicalAddress, _ attributes: PageAttributes, isUser: Bool, level: UInt64) {
    let permissions = attributes.permissions
    let type: UInt64 =
      switch attributes.memoryType {
      case .normal: 0
      case .device: Self.writeThrough.mask | Self.cacheDisabled.mask
      }
    rawValue =
      output.rawValue | type | Self.present.mask | Self.accessed.mask | Self.dirty.mask
      | Self.writable.placed(permissions.contains(.write) ? 1 : 0) | Self.user.placed(isUser ? 1 : 0)
      | Self.large.placed(level > 0 ? 1 : 0) | Self.noExecute.placed(permissions.contains(.execute) ? 0 : 1)
  }

  /// Leads to a table, whose entries alone restrict what may be done.
  init(link address: HostPhysicalAddress, isUser: Bool) {
    rawValue =
      address.rawValue | Self.present.mask | Self.writable.mask | Self.accessed.mask | Self.user.placed(isUser ? 1 : 0)
  }

  func meaning(level: UInt64, largestLeafLevel: UInt64) -> PageTableEntry {
    guard rawValue & Self.present.mask != 0 else { return .absent }
    let address = HostPhysicalAddress(rawValue & Self.address.mask)
    if level > 0, rawValue & Self.large.mask == 0 { return .table(address) }
    // A large page at level 3 is reserved.
    guard level <= largestLeafLevel else { return .absent }
    var permissions: AccessPermissions = .read
    if rawValue & Self.writable.mask != 0 { permissions.insert(.write) }
    if rawValue & Self.noExecute.mask == 0 { permissions.insert(.execute) }
    return .leaf(address, PageAttributes(permissions, rawValue & Self.cacheDisabled.mask == 0 ? .normal : .device))
  }
}
