/// Where a vCPU's time goes, in ticks of the hypervisor's counter. Every tick from the first `begin(at:)` on is in exactly one
/// of the sums.
///
/// Whoever ends a span names what it was. Touched by the vCPU's own task; read by anyone, for show.
public struct TimeAccount: Sendable {
  /// In the guest.
  public private(set) var guest: UInt64 = 0
  /// In the hypervisor, for this vCPU.
  public private(set) var hypervisor: UInt64 = 0
  /// Waiting for an interrupt, for a start or while its VM is paused.
  public private(set) var parked: UInt64 = 0
  /// Ready, while another task had the CPU.
  public private(set) var waiting: UInt64 = 0
  /// When the span began that has not been counted yet.
  private var since: UInt64 = 0

  public init() {}

  /// From here on time counts. What was counted stays.
  public mutating func begin(at now: UInt64) { since = now }

  @inline(__always) public mutating func endGuest(at now: UInt64) {
    guest &+= now &- since
    since = now
  }

  @inline(__always) public mutating func endHypervisor(at now: UInt64) {
    hypervisor &+= now &- since
    since = now
  }

  /// A span in which other tasks may have had the CPU.
  public enum Span: Sendable {
    case parked
    case waiting
  }

  public mutating func end(_ span: Span, at now: UInt64) {
    switch span {
    case .parked: parked &+= now &- since
    case .waiting: waiting &+= now &- since
    }
    since = now
  }

  /// An exit that began and ended while the guest's span goes on: moves the span's beginning instead of ending it.
  @inline(__always) public mutating func addExitInPlace(from begin: UInt64, to end: UInt64) {
    let ticks = end &- begin
    hypervisor &+= ticks
    since &+= ticks
  }
}
