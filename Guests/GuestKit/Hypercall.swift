/// Apus's own hypercalls: the same functions on every architecture.
public enum Hypercall: Sendable {
  /// The 128 bits that say this is Apus, in four words.
  case uid
  /// Major version in bits 31 to 16, minor in 15 to 0.
  case version
  case features
  /// Writes text to the VM's log: guest-physical address, byte count.
  case write
  case yield
  /// Stops this VM with a code.
  case stop
  /// A number that no version of Apus has.
  case unknown
}

/// The registers after a hypercall. The first is a status where the function has one: 0, or a negative error.
public struct HypercallAnswer: Sendable {
  public let words: (UInt64, UInt64, UInt64, UInt64)

  public init(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) {
    words = (first, second, third, fourth)
  }

  public var status: Int64 { Int64(bitPattern: words.0) }
}
