/// Memory for what is set up once: objects of any size, from the frame allocator.
///
/// Up to 2016 bytes an object is part of a 4 KiB slab of objects of one size; above that it has a run of frames. A slab
/// without objects goes back to the frame allocator at once, so when every object is freed, every frame is back. Nothing
/// on the path of an exit allocates.
///
/// It is a reference, as the frame allocator is. All operations may be called on any CPU; one lock guards them, which comes
/// before the frame allocator's in the lock order, and after every other.
@safe public struct Heap<Memory: PhysicalMemory> {
  private let state: UnsafeMutablePointer<Locked<HeapSlabs<Memory>>>

  /// Nil where there is no free frame for the heap's own state.
  public init?(from frames: FrameAllocator<Memory>) {
    guard let frame = frames.allocate(.frame) else { return nil }
    // SAFETY: the frame is the heap's now, and the state fits into 4096 bytes many times.
    unsafe state = Memory.pointer(to: frame).assumingMemoryBound(to: Locked<HeapSlabs<Memory>>.self)
    // SAFETY: as above.
    unsafe state.initialize(to: Locked(HeapSlabs(frames: frames)))
  }

  private func withSlabs<Result>(_ body: (inout HeapSlabs<Memory>) -> Result) -> Result {
    // SAFETY: `init` put the state there, and nothing takes it away.
    unsafe state.pointee.withLock(body)
  }

  /// At least `byteCount` bytes at a multiple of `alignment`, a power of two; nil where no frames are left.
  public func allocate(byteCount: Int, alignment: Int) -> UnsafeMutableRawPointer? {
    guard byteCount >= 0, alignment > 0, alignment & (alignment &- 1) == 0 else { return nil }
    // SAFETY: nothing is read or written; the caller gets the pointer.
    return unsafe withSlabs { slabs in
      guard let sizeClass = HeapSizeClass(holding: byteCount, alignment: alignment) else {
        // SAFETY: as above.
        return unsafe slabs.allocateRun(byteCount: byteCount, alignment: alignment)
      }
      // SAFETY: as above.
      return unsafe slabs.allocateObject(of: sizeClass)
    }
  }

  /// Gives back what `allocate` returned. Traps on anything else, as far as it can tell.
  @unsafe public func free(_ object: UnsafeMutableRawPointer) {
    // SAFETY: the caller passes what `allocate` returned, which is what `HeapSlabs.free` asks for.
    withSlabs { slabs in unsafe slabs.free(object) }
  }

  /// Bytes in objects that are not freed, each rounded up to what it takes.
  public var usedByteCount: Int { withSlabs { $0.usedByteCount } }

  /// Bytes of frames that the heap has, its own state's too.
  public var frameByteCount: UInt64 { withSlabs { $0.frameByteCount } }
}

// The state is reached under its lock only.
extension Heap: @unchecked Sendable {}

/// The state of a heap, under its lock.
struct HeapSlabs<Memory: PhysicalMemory>: ~Copyable {
  private let frames: FrameAllocator<Memory>
  /// For each class the slabs with a free object.
  private var lists = InlineArray<14, UInt64>(repeating: .max)
  private(set) var usedByteCount = 0
  private(set) var frameByteCount = FrameOrder.frame.byteCount

  init(frames: FrameAllocator<Memory>) { self.frames = frames }

  private func slab(_ frame: UInt64) -> HeapSlabPointer {
    // SAFETY: only addresses of frames that the heap owns come here: new ones, and those on its lists.
    unsafe HeapSlabPointer(Memory.pointer(to: HostPhysicalAddress(frame)))
  }

  // MARK: - Objects in slabs

  mutating func allocateObject(of sizeClass: HeapSizeClass) -> UnsafeMutableRawPointer? {
    if lists[Int(sizeClass.index)] == .max {
      guard let frame = frames.allocate(.frame) else { return nil }
      frameByteCount += FrameOrder.frame.byteCount
      slab(frame.rawValue).initialize(to: HeapSlab(frame: frame, of: sizeClass))
      link(frame.rawValue)
    }
    let frame = lists[Int(sizeClass.index)]
    let slab = slab(frame)
    // SAFETY: nothing is read or written; the object is the caller's, whose class says how large it is.
    let object = unsafe slab.takeObject()
    if slab.header.usedCount == slab.header.capacity { unlink(frame) }
    usedByteCount += sizeClass.byteCount
    // SAFETY: as above.
    return unsafe object
  }

  /// Puts a slab on the list of its class.
  private mutating func link(_ frame: UInt64) {
    let slab = slab(frame)
    let first = lists[Int(slab.header.sizeClass)]
    slab.header.next = first
    slab.header.previous = .max
    if first != .max { self.slab(first).header.previous = frame }
    lists[Int(slab.header.sizeClass)] = frame
  }

  private mutating func unlink(_ frame: UInt64) {
    let header = slab(frame).header
    if header.next != .max { slab(header.next).header.previous = header.previous }
    if header.previous != .max {
      slab(header.previous).header.next = header.next
    } else {
      lists[Int(header.sizeClass)] = header.next
    }
  }

  // MARK: - Objects with a run of frames

  // The header of a run lies in the 64 bytes before the object. An object that asks for no more alignment than that lies
  // at offset 64 of its first frame, any other at a multiple of 4096, where no object of a slab ever lies.
  mutating func allocateRun(byteCount: Int, alignment: Int) -> UnsafeMutableRawPointer? {
    let offset = alignment <= HeapSlab.headerByteCount ? HeapSlab.headerByteCount : max(alignment, 4096)
    let (sum, overflow) = byteCount.addingReportingOverflow(offset)
    guard !overflow, let order = FrameOrder(holding: UInt64(sum)), let run = frames.allocate(order) else { return nil }
    // SAFETY: the run is the heap's, and `offset` is at least 64 and less than its size.
    let object = unsafe Memory.pointer(to: run) + offset
    // SAFETY: the 64 bytes before the object lie in the run.
    unsafe HeapSlabPointer(object - HeapSlab.headerByteCount).initialize(to: HeapSlab(run: run, of: order))
    usedByteCount += Int(order.byteCount)
    frameByteCount += order.byteCount
    // SAFETY: nothing is read or written; the rest of the run behind `object` is the caller's.
    return unsafe object
  }

  // MARK: - Freeing

  /// - Parameter object: Returned by one of the two functions above, and not freed since.
  @unsafe mutating func free(_ object: UnsafeMutableRawPointer) {
    let offsetInFrame = Int(bitPattern: object) & (HeapSlab.frameByteCount &- 1)
    let headerDistance = offsetInFrame == 0 ? HeapSlab.headerByteCount : offsetInFrame
    // SAFETY: an object at a multiple of 4096 has its header right before it, any other at the start of its frame.
    let slab = unsafe HeapSlabPointer(object - headerDistance)
    switch slab.header.mark {
    case HeapSlab.slabMark where offsetInFrame != 0: freeObject(in: slab, at: offsetInFrame)
    case HeapSlab.runMark where headerDistance == HeapSlab.headerByteCount: freeRun(slab)
    default: fatalError("what is freed does not come from the heap")
    }
  }

  private mutating func freeObject(in slab: HeapSlabPointer, at offset: Int) {
    let frame = slab.header.frame
    let wasFull = slab.header.usedCount == slab.header.capacity
    slab.putObject(at: offset)
    usedByteCount -= slab.header.objectByteCount
    if wasFull { link(frame.rawValue) }
    if slab.header.usedCount == 0 {
      unlink(frame.rawValue)
      giveBack(slab)
    }
  }

  private mutating func freeRun(_ slab: HeapSlabPointer) {
    guard let order = FrameOrder(rawValue: slab.header.order) else { fatalError("the header of a heap run is damaged") }
    usedByteCount -= Int(order.byteCount)
    giveBack(slab)
  }

  private mutating func giveBack(_ slab: HeapSlabPointer) {
    let order = FrameOrder(unchecked: slab.header.order)
    frameByteCount -= order.byteCount
    frames.free(slab.header.frame, order)
  }
}
