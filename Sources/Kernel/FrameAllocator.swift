/// Hands out the machine's RAM in blocks of 4 KiB to 1 GiB.
///
/// It is a reference: copies share one state, which lies in the first frame of the first range. RAM is never given up, so
/// neither is the state. All operations may be called on any CPU; one lock guards them, which is the last in the lock
/// order: nothing else is acquired while it is held.
///
/// The cost of setting it up depends on the number of ranges, not on the amount of RAM (`FrameRange` says how).
///
/// Nobody gets to see what another one left in a frame: every frame is zero when it comes back, or is made so then.
@safe public struct FrameAllocator<Memory: PhysicalMemory> {
  private let state: UnsafeMutablePointer<Locked<BuddyBlocks<Memory>>>

  /// Where the state lies in the first range's header, behind the range's record.
  private static var stateOffset: UInt64 { 128 }

  /// - Parameter range: RAM that nobody else uses, and that holds nothing of a guest. Nil where it is too small to hold the bookkeeping.
  public init?(_ range: HostPhysicalRange) {
    guard let first = FrameRange(range) else { return nil }
    precondition(
      MemoryLayout<FrameRange>.size <= Int(Self.stateOffset)
        && MemoryLayout<Locked<BuddyBlocks<Memory>>>.size <= Int(BlockTable.byteCount &- Self.stateOffset),
      "the header of a range is too small")
    // SAFETY: the caller gives the range away; `first` found room in it for a header of at least 4 KiB, in which these
    // bytes belong to nothing else, as the precondition says. The base is aligned to 4 KiB.
    unsafe state = Memory.pointer(to: HostPhysicalAddress(first.base &+ Self.stateOffset))
      .assumingMemoryBound(to: Locked<BuddyBlocks<Memory>>.self)
    var blocks = BuddyBlocks<Memory>()
    blocks.add(first)
    // SAFETY: as above.
    unsafe state.initialize(to: Locked(blocks))
  }

  /// Adds RAM that nobody else uses, and that holds nothing of a guest. A range that is too small to hold its bookkeeping is left unused.
  public func add(_ range: HostPhysicalRange) {
    guard let range = FrameRange(range) else { return }
    withBlocks { $0.add(range) }
  }

  private func withBlocks<Result>(_ body: (inout BuddyBlocks<Memory>) -> Result) -> Result {
    // SAFETY: `init` put the state there, and nothing takes it away.
    unsafe state.pointee.withLock(body)
  }

  // MARK: - Blocks

  /// A block that begins at a multiple of its size; nil where there is none.
  ///
  /// It holds zeros, or what the machine's firmware left there if the block was never handed out before.
  public func allocate(_ order: FrameOrder) -> HostPhysicalAddress? {
    withBlocks { $0.allocate(order.rawValue) }.map { HostPhysicalAddress($0) }
  }

  /// The largest block there is, but at most one of `limit`; nil where nothing is free.
  public func allocateLargest(atMost limit: FrameOrder) -> (base: HostPhysicalAddress, order: FrameOrder)? {
    withBlocks { blocks in
      guard let found = blocks.largestOrder(atMost: limit.rawValue), let address = blocks.allocate(found) else {
        return nil
      }
      return (HostPhysicalAddress(address), FrameOrder(unchecked: found))
    }
  }

  /// Gives back a block. Whoever could reach it through a page table or a TLB must be unable to by now.
  ///
  /// Traps on what was not allocated with this size, or is free already.
  /// - Parameter contents: Leftovers are cleared first, which takes long for a large block.
  public func free(_ address: HostPhysicalAddress, _ order: FrameOrder, holding contents: FrameContents = .leftovers) {
    if contents == .leftovers {
      // SAFETY: the block belongs to the caller until it is marked free below.
      unsafe Memory.pointer(to: address).initializeMemory(
        as: UInt64.self, repeating: 0, count: Int(order.byteCount) / 8)
    }
    withBlocks { $0.free(address.rawValue, order.rawValue) }
  }

  // MARK: - Counts

  /// Bytes that are not allocated and hold no bookkeeping. It is what it was before as soon as every block is back.
  public var freeByteCount: UInt64 { withBlocks { $0.freeByteCount } }

  /// Bytes in blocks that somebody owns. Bookkeeping is not in it, so it tells exactly who gave back what he took.
  public var allocatedByteCount: UInt64 { withBlocks { $0.allocatedByteCount } }
}

/// What is in a block that is given back.
public enum FrameContents: Sendable {
  /// Anything.
  case leftovers
  /// Zeros alone.
  case zeros
}

// The state is reached under its lock only.
extension FrameAllocator: @unchecked Sendable {}
