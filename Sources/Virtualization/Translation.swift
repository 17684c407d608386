import Kernel

/// A leaf of a page table.
public struct Translation<Input: TranslatedAddress>: Equatable, Sendable {
  /// The first address that the leaf maps.
  public let input: Input
  /// Where that leads.
  public let output: HostPhysicalAddress
  public let attributes: PageAttributes
  /// The level at which the leaf lies; 0 for 4 KiB.
  public let level: UInt64

  /// How much the leaf maps.
  @inlinable public var byteCount: UInt64 { 1 << (12 &+ 9 &* level) }

  /// Where `input`, an address that the leaf maps, leads.
  @inlinable public func output(of input: Input) -> HostPhysicalAddress {
    HostPhysicalAddress(output.rawValue | input.rawValue & (byteCount &- 1))
  }
}

/// A range of input addresses, checked against a format: from `start` up to, not including, `end`.
struct InputRange {
  var start: UInt64
  let end: UInt64

  init(start: UInt64, end: UInt64) {
    self.start = start
    self.end = end
  }

  init<Format: PageTableFormat>(
    _ input: Format.Input, _ byteCount: UInt64, in format: Format
  ) throws(PageTableError) {
    guard (input.rawValue | byteCount) & 4095 == 0, byteCount > 0 else { throw .misaligned }
    let limit: UInt64 = 1 << format.inputBitCount
    guard input.rawValue < limit, byteCount <= limit &- input.rawValue else { throw .outOfRange }
    self.init(start: input.rawValue, end: input.rawValue &+ byteCount)
  }
}
