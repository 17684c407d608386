/// What may be done with the memory behind a page-table entry.
public struct AccessPermissions: OptionSet, Equatable, Sendable {
  public let rawValue: UInt8

  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Loads.
  public static let read = Self(rawValue: 1 << 0)
  /// Stores.
  public static let write = Self(rawValue: 1 << 1)
  /// Instruction fetches.
  public static let execute = Self(rawValue: 1 << 2)

  /// RAM of a guest.
  public static let all: Self = [.read, .write, .execute]
}

/// How the memory behind a page-table entry behaves.
public enum MemoryType: Equatable, Sendable {
  /// RAM: cached, coherent between CPUs.
  case normal
  /// Registers of a device: not cached, not reordered, not merged.
  case device
}

/// All that a leaf entry says beside the address.
public struct PageAttributes: Equatable, Sendable {
  public var permissions: AccessPermissions
  public var memoryType: MemoryType

  @inlinable public init(_ permissions: AccessPermissions, _ memoryType: MemoryType = .normal) {
    self.permissions = permissions
    self.memoryType = memoryType
  }
}
