import Synchronization

/// A lock that a CPU waits for by spinning. It is not recursive.
///
/// The hypervisor runs with interrupts masked, so whoever holds the lock cannot be interrupted by code that wants it, and
/// the lock has no business with interrupts. It is held for a bounded number of steps, never across a context switch.
public struct SpinLock: ~Copyable, Sendable {
  @usableFromInline let isHeld = Atomic(false)

  /// What a CPU does between two looks at a lock that another holds: the architecture's hint that this is a spin.
  ///
  /// By a pointer, so that what has a lock need not know the architecture; a lock that is free is taken without a look at
  /// it. Set once, before there is a second CPU.
  nonisolated(unsafe) private static var relax: (@convention(c) () -> Void)?

  /// Names the architecture's hint. By the boot CPU, before there is another.
  public static func setRelax(_ relax: @escaping @convention(c) () -> Void) {
    // SAFETY: no other CPU runs yet.
    unsafe Self.relax = relax
  }

  #if !hasFeature(Embedded)
    /// Called before and after a lock is taken, so that a simulation can let another CPU go first, or run into the lock.
    /// Not on the bare machine. Set once, before the first simulation.
    nonisolated(unsafe) public static var choicePoint: (@convention(c) () -> Void)?
  #endif

  @inlinable public init() {}

  /// Waits until this CPU holds the lock.
  ///
  /// Ordering: acquire, so that nothing the holder does moves above it.
  @inlinable public borrowing func acquire() {
    #if !hasFeature(Embedded)
      // SAFETY: set before anything that it concerns.
      unsafe Self.choicePoint?()
    #endif
    if isHeld.exchange(true, ordering: .acquiring) { spin() }
    #if !hasFeature(Embedded)
      // SAFETY: as above.
      unsafe Self.choicePoint?()
    #endif
  }

  /// Waits by plain loads, so that the cache line stays shared until the holder lets go.
  @inline(never) @usableFromInline borrowing func spin() {
    repeat {
      while isHeld.load(ordering: .relaxed) {
        // SAFETY: set before there was a CPU to wait for.
        unsafe Self.relax?()
      }
    } while isHeld.exchange(true, ordering: .acquiring)
  }

  /// Takes the lock if nobody holds it.
  @inlinable public borrowing func tryAcquire() -> Bool { !isHeld.exchange(true, ordering: .acquiring) }

  /// Lets go. Only the holder may call this. Ordering: release, so that what the holder wrote is seen by the next one.
  @inlinable public borrowing func release() { isHeld.store(false, ordering: .releasing) }
}
