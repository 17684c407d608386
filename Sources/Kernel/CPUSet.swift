/// A set of up to 64 CPUs, physical or virtual, by index.
public struct CPUSet: Equatable, Sendable {
  public var rawValue: UInt64

  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

  public static let none = Self(rawValue: 0)
  public static let all = Self(rawValue: .max)

  @inlinable public func contains(_ index: Int) -> Bool {
    index >= 0 && index < 64 && rawValue & (1 << UInt64(index)) != 0
  }

  @inlinable public mutating func insert(_ index: Int) {
    if index >= 0 && index < 64 { rawValue |= 1 << UInt64(index) }
  }

  @inlinable public var isEmpty: Bool { rawValue == 0 }

  /// Takes the lowest index out; nil when there is none.
  @inlinable public mutating func popFirst() -> Int? {
    guard rawValue != 0 else { return nil }
    let index = rawValue.trailingZeroBitCount
    rawValue &= rawValue &- 1
    return index
  }
}
