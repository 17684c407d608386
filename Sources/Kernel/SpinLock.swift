import Synchronization

/// A lock that a CPU waits for by spinning. It is not recursive.
///
/// The hypervisor runs with interrupts masked, so whoever holds the lock cannot be interrupted by code that wants it, and
/// the lock has no business with interrupts. It is held for a bounded number of steps, never across a context switch.
public struct SpinLock: ~Copyable, Sendable {
  @usableFromInline let isHeld = Atomic(false)

  @inlinable public init() {}

  /// Waits until this CPU holds the lock.
  ///
  /// Ordering: acquire, so that nothing the holder does moves above it; waiting is by plain loads, so the cache line stays
  /// shared until the holder lets go.
  @inlinable public borrowing func acquire() {
    while isHeld.exchange(true, ordering: .acquiring) {
      while isHeld.load(ordering: .relaxed) {}
    }
  }

  /// Takes the lock if nobody holds it.
  @inlinable public borrowing func tryAcquire() -> Bool { !isHeld.exchange(true, ordering: .acquiring) }

  /// Lets go. Only the holder may call this. Ordering: release, so that what the holder wrote is seen by the next one.
  @inlinable public borrowing func release() { isHeld.store(false, ordering: .releasing) }
}
