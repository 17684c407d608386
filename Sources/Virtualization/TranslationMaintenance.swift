/// What the hardware that walks a page table must be told when the table changes.
public protocol TranslationMaintenance<Input>: ~Copyable {
  associatedtype Input: TranslatedAddress

  /// Entries were written for the range, where none were before. On return every walker sees them.
  func publish(_ base: Input, byteCount: UInt64)

  /// Entries of the range were taken away or changed. On return no CPU uses what it kept of them, nor walks through
  /// tables that were reached by them.
  func invalidate(_ base: Input, byteCount: UInt64)
}

/// For a table that no hardware has seen yet; what installs it makes all of it visible.
public struct NotInstalled<Input: TranslatedAddress>: TranslationMaintenance {
  public init() {}
  public func publish(_ base: Input, byteCount: UInt64) {}
  public func invalidate(_ base: Input, byteCount: UInt64) {}
}
