import Kernel
import Synchronization

/// Bytes on their way from one producer to one consumer, in order; 4 KiB at most.
///
/// The producer alone moves `tail`, the consumer alone `head`. Ordering: each publishes its own index with release after
/// it is done with the byte, and reads the other's with acquire before it touches one.
@safe public struct OutputRing: ~Copyable {
  public static var capacity: Int { 4096 }

  private let bytes: UnsafeMutablePointer<UInt8>
  private let head = Atomic<Int>(0)
  private let tail = Atomic<Int>(0)

  private let memory: Allocation

  public init() {
    memory = Allocation(byteCount: Self.capacity, alignment: 16)
    // SAFETY: the memory was made for that many; it is the ring's own and lives as long.
    unsafe bytes = memory.bound(to: UInt8.self, capacity: Self.capacity)
    unsafe bytes.initialize(repeating: 0, count: Self.capacity)
  }

  /// Bytes inside.
  public var count: Int { tail.load(ordering: .acquiring) &- head.load(ordering: .acquiring) }

  /// Puts a byte in; false where there is no room. Producer only.
  public func push(_ byte: UInt8) -> Bool {
    let position = tail.load(ordering: .relaxed)
    guard position &- head.load(ordering: .acquiring) < Self.capacity else { return false }
    // SAFETY: the index is taken modulo the capacity.
    unsafe bytes[position & (Self.capacity &- 1)] = byte
    tail.store(position &+ 1, ordering: .releasing)
    return true
  }

  /// Takes the oldest byte out. Consumer only.
  public func pop() -> UInt8? {
    let position = head.load(ordering: .relaxed)
    guard position != tail.load(ordering: .acquiring) else { return nil }
    // SAFETY: the index is taken modulo the capacity.
    let byte = unsafe bytes[position & (Self.capacity &- 1)]
    head.store(position &+ 1, ordering: .releasing)
    return byte
  }
}
