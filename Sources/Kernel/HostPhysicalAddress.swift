/// An address on the machine's own bus.
public struct HostPhysicalAddress: Equatable, Comparable, Sendable {
  public let rawValue: UInt64

  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  @inlinable public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// The address `byteCount` bytes further up; nil where that leaves the address space.
  @inlinable public func advanced(by byteCount: UInt64) -> Self? {
    let (sum, overflow) = rawValue.addingReportingOverflow(byteCount)
    return overflow ? nil : Self(sum)
  }

  /// Whether the address is a multiple of `byteCount`, a power of two.
  @inlinable public func isAligned(to byteCount: UInt64) -> Bool { rawValue & (byteCount &- 1) == 0 }
}
