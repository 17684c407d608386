/// The size of a block of frames: 4 KiB doubled `rawValue` times, up to 1 GiB.
public struct FrameOrder: Equatable, Comparable, Sendable {
  public let rawValue: UInt8

  /// Nil above 1 GiB.
  @inlinable public init?(rawValue: UInt8) {
    guard rawValue <= 18 else { return nil }
    self.rawValue = rawValue
  }

  /// The smallest block that holds `byteCount` bytes; nil above 1 GiB.
  @inlinable public init?(holding byteCount: UInt64) {
    guard byteCount <= 1 << 30 else { return nil }
    let frameCount = max(1, (byteCount &+ 0xfff) >> 12)
    self.init(rawValue: UInt8(truncatingIfNeeded: 64 &- (frameCount &- 1).leadingZeroBitCount))
  }

  /// The largest block of at most `byteCount` bytes that may begin at a multiple of `alignment`; nil below 4 KiB.
  ///
  /// - Parameter alignment: An address; its lowest set bit counts. Zero is aligned to everything.
  @inlinable public init?(fitting byteCount: UInt64, alignedAs alignment: UInt64) {
    let aligned = alignment == 0 ? 63 : alignment.trailingZeroBitCount
    guard byteCount >= 1 << 12, aligned >= 12 else { return nil }
    let fitting = 63 &- byteCount.leadingZeroBitCount
    self.init(rawValue: UInt8(truncatingIfNeeded: min(aligned, fitting, 30) &- 12))
  }

  @inlinable public var byteCount: UInt64 { 1 << (UInt64(rawValue) &+ 12) }

  @inlinable public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// One frame, 4 KiB.
  public static let frame = Self(unchecked: 0)
  /// 2 MiB: what one entry of a page table's second level maps.
  public static let large = Self(unchecked: 9)
  /// 1 GiB: what one entry of a page table's third level maps.
  public static let huge = Self(unchecked: 18)

  @inlinable init(unchecked rawValue: UInt8) { self.rawValue = rawValue }
}
