import Builtin

/// A value and the spin lock that guards it; the value is reached only while the lock is held.
///
/// Where one is declared, a comment names its place in the lock order.
@frozen public struct Locked<Value: ~Copyable>: ~Copyable {
  @usableFromInline let lock = SpinLock()
  @usableFromInline let cell: Cell<Value>

  public init(_ value: consuming Value) { cell = Cell(value) }

  /// Runs `body` with the value, alone. `body` must not ask for the same lock again.
  public borrowing func withLock<Result: ~Copyable, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    lock.acquire()
    defer { lock.release() }
    // SAFETY: the cell was initialised by `init` and lives as long as `self`; the lock keeps every other access out.
    return try unsafe body(&cell.address.pointee)
  }
}

// The lock lets one CPU at a time have the value.
extension Locked: @unchecked Sendable where Value: ~Copyable {}

/// Storage that may be changed through a shared reference.
@_rawLayout(like: Value, movesAsLike)
@frozen @safe @usableFromInline struct Cell<Value: ~Copyable>: ~Copyable {
  // Not inlined: the compiler fails on a global whose initial value it takes apart and stores into raw storage.
  @inline(never)
  init(_ value: consuming Value) {
    // SAFETY: the storage has the size and alignment of one `Value` and holds nothing yet.
    unsafe address.initialize(to: value)
  }

  var address: UnsafeMutablePointer<Value> {
    // SAFETY: raw storage is never moved while it is borrowed, so the address holds for the whole access.
    unsafe UnsafeMutablePointer<Value>(Builtin.addressOfRawLayout(self))
  }

  deinit {
    // SAFETY: `init` put a value there and nothing takes it out.
    unsafe address.deinitialize(count: 1)
  }
}
