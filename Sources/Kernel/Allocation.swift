/// Memory from the heap that goes back when its owner ends.
///
/// Not generic on purpose: Swift 6.3 cannot specialise the `deinit` of a generic type in another module in Embedded mode.
@frozen @safe public struct Allocation: ~Copyable {
  @usableFromInline let base: UnsafeMutableRawPointer

  public init(byteCount: Int, alignment: Int) {
    unsafe base = .allocate(byteCount: byteCount, alignment: alignment)
  }

  deinit { unsafe base.deallocate() }

  /// The memory as room for `count` elements, which the owner initialises.
  /// - Safety: the elements fit, and the owner outlives the pointer.
  @unsafe @inlinable public func bound<Element: ~Copyable>(
    to type: Element.Type, capacity count: Int
  ) -> UnsafeMutablePointer<Element> {
    unsafe base.bindMemory(to: type, capacity: count)
  }
}
