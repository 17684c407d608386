import Kernel
import Virtualization

/// An entry of a page table, the same in Sv39, Sv48 and Sv57 and in their G-stage forms (RISC-V privileged architecture,
/// "Sv39: Page-Based 39-bit Virtual-Memory System").
///
/// Whether memory is cached is not said here but by the physical memory attributes. What the table's owner says of a leaf that
/// hardware has no bit for, stands in the two bits that are left to software.
struct TableEntry: RawRepresentable, Equatable, Sendable {
  let rawValue: UInt64

  static let valid = BitField(0, 0)
  static let readable = BitField(1, 1)
  static let writable = BitField(2, 2)  // without `readable` reserved
  static let executable = BitField(3, 3)
  static let user = BitField(4, 4)  // U-mode may use it and S-mode may not; to the G-stage every access is U-mode's
  static let global = BitField(5, 5)  // in every address space; to be zero in the G-stage
  static let accessed = BitField(6, 6)
  static let dirty = BitField(7, 7)
  static let device = BitField(8, 8)  // software's: device registers
  static let inaccessible = BitField(9, 9)  // software's: a leaf that permits nothing, which hardware takes for absent
  static let pageNumber = BitField(53, 10)  // the address's bits 55 to 12
  static let memoryType = BitField(62, 61)  // Svpbmt; zero: as the physical memory attributes say
  static let contiguous = BitField(63, 63)  // Svnapot

  init(rawValue: UInt64) { self.rawValue = rawValue }

  /// A leaf. Accessed and dirty are set from the beginning: hardware need not, and is never asked to, set them.
  ///
  /// Memory that can be written can be read; the other way is reserved.
  init(leaf output: HostPhysicalAddress, _ attributes: PageAttributes, isUser: Bool) {
    let permissions = attributes.permissions
    var bits = Self.pageNumber.placed(output.rawValue >> 12) | Self.accessed.mask | Self.dirty.mask
    if attributes.memoryType == .device { bits |= Self.device.mask }
    if isUser { bits |= Self.user.mask }
    if !permissions.isDisjoint(with: [.read, .write]) { bits |= Self.readable.mask }
    if permissions.contains(.write) { bits |= Self.writable.mask }
    if permissions.contains(.execute) { bits |= Self.executable.mask }
    // Valid without permissions would be a link.
    bits |= permissions.isEmpty ? Self.inaccessible.mask : Self.valid.mask
    rawValue = bits
  }

  /// An entry that leads to the table at `address`. All its other bits are reserved.
  init(link address: HostPhysicalAddress) {
    rawValue = Self.pageNumber.placed(address.rawValue >> 12) | Self.valid.mask
  }

  /// What the entry says.
  ///
  /// - Parameter largestLeafLevel: Above it a leaf counts as absent.
  func meaning(level: UInt64, largestLeafLevel: UInt64) -> PageTableEntry {
    guard rawValue & (Self.valid.mask | Self.inaccessible.mask) != 0 else { return .absent }
    let address = HostPhysicalAddress(Self.pageNumber.value(in: rawValue) << 12)
    let isReadable = rawValue & Self.readable.mask != 0
    let isWritable = rawValue & Self.writable.mask != 0
    let isExecutable = rawValue & Self.executable.mask != 0
    let isLeaf = isReadable || isWritable || isExecutable || rawValue & Self.inaccessible.mask != 0
    guard isLeaf else { return level > 0 ? .table(address) : .absent }
    guard isReadable || !isWritable, level <= largestLeafLevel else { return .absent }
    var permissions: AccessPermissions = []
    if isReadable { permissions.insert(.read) }
    if isWritable { permissions.insert(.write) }
    if isExecutable { permissions.insert(.execute) }
    return .leaf(address, PageAttributes(permissions, rawValue & Self.device.mask != 0 ? .device : .normal))
  }
}
