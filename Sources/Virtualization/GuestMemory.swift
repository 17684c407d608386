import Kernel

/// A VM's RAM: ranges of guest-physical addresses, and the blocks of frames that lie behind them.
///
/// All of it is taken when it is made, in the largest blocks there are. A block begins at a multiple of its size on both
/// sides, so nested page tables can map it with leaves as large as itself. Reading and writing allocate nothing. The
/// guest's CPUs may change memory at any moment; what decides anything is read once, into a copy.
public struct GuestMemory<Memory: PhysicalMemory>: ~Copyable {
  /// In ascending order of guest address.
  private(set) var blocks: [GuestMemoryBlock] = []
  private let frames: FrameAllocator<Memory>

  /// The most that is cleared without a preemption point, in bytes.
  private static var pieceByteCount: UInt64 { 2 << 20 }

  /// - Parameter ranges: RAM as the guest sees it, in ascending order; nothing is kept on an error.
  public init(_ ranges: [GuestPhysicalRange], from frames: FrameAllocator<Memory>) throws(GuestMemoryError) {
    self.frames = frames
    do throws(GuestMemoryError) {
      for range in ranges { try take(range) }
    } catch {
      Self.giveBack(blocks, to: frames) {}
      throw error
    }
  }

  private mutating func take(_ range: GuestPhysicalRange) throws(GuestMemoryError) {
    guard (range.base.rawValue | range.byteCount) & 4095 == 0 else { throw .misaligned }
    if let last = blocks.last, range.base <= last.range.last { throw .overlap }
    var base = range.base.rawValue
    var rest = range.byteCount
    while rest > 0 {
      guard let limit = FrameOrder(fitting: rest, alignedAs: base),
        let block = frames.allocateLargest(atMost: limit)
      else { throw .outOfFrames }
      blocks.append(GuestMemoryBlock(guestBase: GuestPhysicalAddress(base), hostBase: block.base, order: block.order))
      // The last block may end where the address space does.
      base &+= block.order.byteCount
      rest &-= block.order.byteCount
    }
  }

  // MARK: - The end of a life

  /// Clears all memory, for a reset. No CPU of the guest runs meanwhile.
  ///
  /// - Parameter preemptionPoint: Called after each 2 MiB.
  public borrowing func clear(preemptionPoint: () -> Void) {
    for index in blocks.indices { Self.clear(blocks[index], preemptionPoint: preemptionPoint) }
  }

  /// Clears all memory and gives every frame back. No CPU of the guest runs any more, and no page table leads here.
  /// - Parameter preemptionPoint: Called after each 2 MiB.
  public mutating func giveBack(preemptionPoint: () -> Void) {
    Self.giveBack(blocks, to: frames, preemptionPoint: preemptionPoint)
    blocks = []
  }

  private static func giveBack(
    _ blocks: [GuestMemoryBlock], to frames: FrameAllocator<Memory>, preemptionPoint: () -> Void
  ) {
    for block in blocks {
      clear(block, preemptionPoint: preemptionPoint)
      frames.free(block.hostBase, block.order, holding: .zeros)
    }
  }

  private static func clear(_ block: GuestMemoryBlock, preemptionPoint: () -> Void) {
    var offset: UInt64 = 0
    while offset < block.byteCount {
      let byteCount = min(pieceByteCount, block.byteCount &- offset)
      // SAFETY: the block belongs to the guest memory, and the piece ends at its end or before.
      unsafe (Memory.pointer(to: block.hostBase) + Int(offset))
        .initializeMemory(as: UInt64.self, repeating: 0, count: Int(byteCount) / 8)
      offset &+= byteCount
      preemptionPoint()
    }
  }

  // MARK: - Mapping

  /// Maps all of it; on an error nothing of it stays mapped.
  public borrowing func map<Format: PageTableFormat>(
    into table: inout NestedPageTable<Format, Memory>, as attributes: PageAttributes = PageAttributes(.all),
    maintenance: borrowing some TranslationMaintenance<GuestPhysicalAddress>
  ) throws(PageTableError) where Format.Input == GuestPhysicalAddress {
    for index in blocks.indices {
      let block = blocks[index]
      do throws(PageTableError) {
        try table.map(
          block.guestBase, to: block.hostBase, byteCount: block.byteCount, as: attributes, maintenance: maintenance)
      } catch {
        for mapped in blocks[..<index] {
          try table.unmap(mapped.guestBase, byteCount: mapped.byteCount, maintenance: maintenance)
        }
        throw error
      }
    }
  }

  /// Calls `body` with each stretch of it, in ascending order of guest address.
  public borrowing func forEachBlock(_ body: (GuestMemoryBlock) -> Void) {
    for index in blocks.indices { body(blocks[index]) }
  }

  /// All of it, in bytes.
  public var byteCount: UInt64 { blocks.reduce(0) { $0 &+ $1.byteCount } }
}

/// A stretch of guest memory that lies in one piece in the machine's.
public struct GuestMemoryBlock: Equatable, Sendable {
  public let guestBase: GuestPhysicalAddress
  public let hostBase: HostPhysicalAddress
  let order: FrameOrder

  public var byteCount: UInt64 { order.byteCount }

  var range: GuestPhysicalRange {
    guard let range = GuestPhysicalRange(base: guestBase, byteCount: byteCount) else {
      fatalError("a block of guest memory wraps")
    }
    return range
  }
}
