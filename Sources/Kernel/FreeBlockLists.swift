/// The free blocks of each order, as doubly linked lists whose links lie in the first bytes of the blocks themselves.
struct FreeBlockLists<Memory: PhysicalMemory>: ~Copyable {
  private var heads = InlineArray<19, UInt64>(repeating: .max)
  /// Bit `n` is set where the list of order `n` is not empty.
  private(set) var available: UInt32 = 0

  private struct Links {
    /// Addresses of the neighbours; `UInt64.max` at either end.
    var next: UInt64
    var previous: UInt64
  }

  private func links(of address: UInt64) -> UnsafeMutablePointer<Links> {
    // SAFETY: only addresses of free blocks come here: whole frames that belong to the allocator, aligned to 4 KiB.
    unsafe Memory.pointer(to: HostPhysicalAddress(address)).assumingMemoryBound(to: Links.self)
  }

  mutating func push(_ address: UInt64, _ order: UInt8) {
    let head = heads[Int(order)]
    // SAFETY: the block at `address` is free from now on, so its bytes are the allocator's; `head` is free as well.
    unsafe links(of: address).initialize(to: Links(next: head, previous: .max))
    if head != .max {
      // SAFETY: `head` is on the list, so it is a free block with initialised links.
      unsafe links(of: head).pointee.previous = address
    }
    heads[Int(order)] = address
    available |= 1 << UInt32(order)
  }

  /// Takes a block that is on the list of `order` off it, and leaves zeros where its links were.
  mutating func remove(_ address: UInt64, _ order: UInt8) {
    // SAFETY: the block is on a list, so it is free and its links are initialised.
    let own = unsafe links(of: address).pointee
    // SAFETY: as above.
    unsafe links(of: address).initialize(to: Links(next: 0, previous: 0))
    if own.next != .max {
      // SAFETY: a neighbour on the list is a free block with initialised links.
      unsafe links(of: own.next).pointee.previous = own.previous
    }
    if own.previous != .max {
      // SAFETY: a neighbour on the list is a free block with initialised links.
      unsafe links(of: own.previous).pointee.next = own.next
      return
    }
    heads[Int(order)] = own.next
    if own.next == .max { available &= ~(1 << UInt32(order)) }
  }

  /// Takes the first block off the list of `order`, which is not empty.
  mutating func pop(_ order: UInt8) -> UInt64 {
    let address = heads[Int(order)]
    precondition(address != .max, "the list of free blocks is empty")
    remove(address, order)
    return address
  }
}
