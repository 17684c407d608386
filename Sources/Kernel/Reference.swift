/// A reference that counts nothing to an object at a fixed place.
///
/// The kernel's objects (CPUs, tasks, VMs, vCPUs) are made at set-up, never move, and are taken apart only when their
/// owner has shown that nobody can reach them any more. Counting references to them would put atomic operations on
/// the exit path for nothing.
@safe
public struct Reference<Object: ~Copyable>: Equatable, BitwiseCopyable, @unchecked Sendable {
  @usableFromInline let pointer: UnsafeMutablePointer<Object>

  /// - Safety: the object at `pointer` is initialised and outlives every use of this reference.
  @unsafe @inlinable public init(_ pointer: UnsafeMutablePointer<Object>) { unsafe self.pointer = pointer }

  /// Takes memory from the heap and moves `object` there. Set-up only.
  public static func make(_ object: consuming Object) -> Self {
    // SAFETY: fresh memory for exactly one object, initialised at once.
    let place = UnsafeMutablePointer<Object>.allocate(capacity: 1)
    unsafe place.initialize(to: object)
    return unsafe Self(place)
  }

  /// Ends the object and gives its memory back.
  /// - Safety: nobody uses any reference to the object from here on.
  @unsafe public func destroy() {
    unsafe pointer.deinitialize(count: 1)
    unsafe pointer.deallocate()
  }

  /// The object itself. Who may touch what of it at the same time is said at its fields.
  @inlinable public var value: Object {
    @_transparent unsafeAddress {
      // SAFETY: initialised for as long as this reference is used, by the contract of `init`.
      unsafe UnsafePointer(pointer)
    }
    @_transparent nonmutating unsafeMutableAddress {
      // SAFETY: as above.
      unsafe pointer
    }
  }

  @inlinable public static func == (left: Self, right: Self) -> Bool { unsafe left.pointer == right.pointer }

  /// The object's address, for code that only hardware or assembly follows.
  @inlinable public var address: UInt { UInt(bitPattern: unsafe pointer) }
}
