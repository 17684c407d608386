/// An address as a guest puts it on its bus (Arm calls it IPA).
///
/// Guest addresses are never added to host addresses; the only way from one to the other is guest memory.
public struct GuestPhysicalAddress: Equatable, Comparable, Sendable {
  public let rawValue: UInt64

  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  @inlinable public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// The address `byteCount` bytes further up; nil where that leaves the address space.
  @inlinable public func advanced(by byteCount: UInt64) -> Self? {
    let (sum, overflow) = rawValue.addingReportingOverflow(byteCount)
    return overflow ? nil : Self(sum)
  }

  /// Bytes from `base` up to this address; nil where `base` is above it.
  @inlinable public func offset(from base: Self) -> UInt64? {
    rawValue >= base.rawValue ? rawValue &- base.rawValue : nil
  }

  /// Whether the address is a multiple of `byteCount`, a power of two.
  @inlinable public func isAligned(to byteCount: UInt64) -> Bool { rawValue & (byteCount &- 1) == 0 }
}
