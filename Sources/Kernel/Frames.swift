/// A block of frames that is given back when its owner is done with it.
@frozen public struct Frames<Memory: PhysicalMemory>: ~Copyable {
  public let base: HostPhysicalAddress
  public let order: FrameOrder
  private let allocator: FrameAllocator<Memory>

  /// Nil where no block of `order` is free. What the frames hold is undefined.
  public init?(_ order: FrameOrder, from allocator: FrameAllocator<Memory>) {
    guard let base = allocator.allocate(order) else { return nil }
    self.base = base
    self.order = order
    self.allocator = allocator
  }

  public var byteCount: UInt64 { order.byteCount }

  /// The frames' bytes, for as long as they are not given back.
  @unsafe public var bytes: UnsafeMutableRawBufferPointer {
    // SAFETY: the block belongs to `self`.
    unsafe UnsafeMutableRawBufferPointer(start: Memory.pointer(to: base), count: Int(byteCount))
  }

  /// Lets go of the frames without giving them back; the caller does so with `FrameAllocator.free`.
  public consuming func leak() -> HostPhysicalAddress {
    let base = base
    discard self
    return base
  }

  deinit { allocator.free(base, order) }
}

// The frames belong to the owner of the value alone.
extension Frames: @unchecked Sendable {}
