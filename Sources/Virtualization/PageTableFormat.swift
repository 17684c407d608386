import Kernel

/// An address that a page table translates.
public protocol TranslatedAddress: Equatable, Sendable {
  init(_ rawValue: UInt64)
  var rawValue: UInt64 { get }
}

extension GuestPhysicalAddress: TranslatedAddress {}

/// What one architecture's page tables look like; `PageTable` does the rest.
///
/// Levels are counted from the leaves, whatever the manual does: a leaf at level 0 maps 4 KiB, at level 1 2 MiB, at level 2
/// 1 GiB. Tables have 512 entries of 64 bits; the root may be several tables in a row.
public protocol PageTableFormat: Sendable {
  associatedtype Input: TranslatedAddress

  /// The level of the root's entries.
  var rootLevel: UInt64 { get }
  /// The size of the root, which is aligned to it.
  var rootOrder: FrameOrder { get }
  /// How many low bits of an input address are translated.
  var inputBitCount: UInt64 { get }
  /// How many bits a host-physical address may have.
  var outputBitCount: UInt64 { get }
  /// The highest level at which a leaf may lie.
  var largestLeafLevel: UInt64 { get }

  /// The entry that maps to `output`, which is aligned to the size of a leaf at `level`.
  func leaf(to output: HostPhysicalAddress, _ attributes: PageAttributes, level: UInt64) -> UInt64
  /// The entry that leads to the table at `address`.
  func link(to address: HostPhysicalAddress, level: UInt64) -> UInt64
  /// What an entry says. One whose low 12 bits are zero says that nothing is there.
  func entry(_ rawValue: UInt64, level: UInt64) -> PageTableEntry
}

/// An entry of a page table.
public enum PageTableEntry: Equatable, Sendable {
  case absent
  case leaf(HostPhysicalAddress, PageAttributes)
  case table(HostPhysicalAddress)
}

extension PageTableFormat {
  /// Bytes that a leaf at `level` maps.
  @inlinable public func byteCount(atLevel level: UInt64) -> UInt64 { 1 << (12 &+ 9 &* level) }

  /// Which entry of its table stands for `input`; a root of several tables is one table here.
  @inlinable public func index(of input: UInt64, level: UInt64) -> UInt64 {
    let index = input >> (12 &+ 9 &* level)
    return level == rootLevel ? index : index & 511
  }

  /// Entries in a table at `level`.
  @inlinable public func entryCount(atLevel level: UInt64) -> UInt64 {
    level == rootLevel ? min(512 << UInt64(rootOrder.rawValue), 1 << (inputBitCount &- 12 &- 9 &* level)) : 512
  }
}
