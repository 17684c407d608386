/// A non-empty range of host-physical addresses that does not wrap.
public struct HostPhysicalRange: Equatable, Sendable {
  public let base: HostPhysicalAddress
  public let byteCount: UInt64

  /// Nil for an empty range and for one whose last byte lies beyond the address space.
  @inlinable public init?(base: HostPhysicalAddress, byteCount: UInt64) {
    guard byteCount > 0, base.advanced(by: byteCount &- 1) != nil else { return nil }
    self.base = base
    self.byteCount = byteCount
  }

  /// The address of the last byte.
  @inlinable public var last: HostPhysicalAddress {
    HostPhysicalAddress(base.rawValue &+ (byteCount &- 1))
  }

  @inlinable public func contains(_ address: HostPhysicalAddress) -> Bool { base <= address && address <= last }

  @inlinable public func contains(_ other: Self) -> Bool { base <= other.base && other.last <= last }

  @inlinable public func overlaps(_ other: Self) -> Bool { base <= other.last && other.base <= last }
}
