/// The blocks of all ranges: the state of a frame allocator, under its lock.
///
/// A block of order `n` begins at a multiple of its size; it is one half of the block of order `n + 1` around it, and the
/// other half is its buddy. Two free buddies become one free block at once, so after everything came back the free blocks
/// are the ones there were at the start. Blocks never reach across two ranges.
struct BuddyBlocks<Memory: PhysicalMemory>: ~Copyable {
  private var lists = FreeBlockLists<Memory>()
  /// Address of the first range's record; `UInt64.max` where there is none.
  private var firstRange: UInt64 = .max
  private(set) var freeByteCount: UInt64 = 0
  private(set) var allocatedByteCount: UInt64 = 0

  private static var large: UInt8 { FrameOrder.large.rawValue }
  private static var huge: UInt8 { FrameOrder.huge.rawValue }
  /// Frames in a divided 2 MiB region beside the one that holds its table.
  private static var frameCountOfRegion: UInt16 { 511 }

  // MARK: - Ranges

  /// - Parameter range: RAM that belongs to the allocator from now on; the record of the range goes to its base.
  mutating func add(_ range: FrameRange) {
    var range = range
    range.next = firstRange
    // SAFETY: the range is given to the allocator, and its first 512 bytes are set apart for the record.
    unsafe record(at: range.base).initialize(to: range)
    firstRange = range.base
    freeByteCount += range.end &- range.firstFree

    // The ragged ends: up to the first whole gigabyte, and from the last one on.
    table(range.gigabyteTable(of: range.firstFree)).clear()
    table(range.gigabyteTable(of: range.end &- 1)).clear()
    table(HostPhysicalAddress(range.base &+ BlockTable.byteCount)).clear()
    table(HostPhysicalAddress(range.base &+ 2 &* BlockTable.byteCount)).clear()
    let headEnd = min(range.end, range.untouched << FrameRange.gigabyteShift)
    insertPieces(of: range, from: range.firstFree, to: headEnd)
    insertPieces(of: range, from: max(headEnd, range.untouchedEnd << FrameRange.gigabyteShift), to: range.end)
  }

  private mutating func insertPieces(of range: FrameRange, from start: UInt64, to end: UInt64) {
    var address = start
    while address < end, let order = FrameOrder(fitting: end &- address, alignedAs: address) {
      if order < .large { table(range.gigabyteTable(of: address))[address >> FrameRange.regionShift] = .divided }
      insert(address, order.rawValue, in: range)
      address &+= order.byteCount
    }
  }

  @unsafe private func record(at base: UInt64) -> UnsafeMutablePointer<FrameRange> {
    // SAFETY: the callers pass the base of a range that was given to the allocator; its first 512 bytes hold the record.
    unsafe Memory.pointer(to: HostPhysicalAddress(base)).assumingMemoryBound(to: FrameRange.self)
  }

  /// The range in which the block at `address` may lie; traps where there is none.
  private func range(of address: UInt64) -> FrameRange {
    var base = firstRange
    while base != .max {
      // SAFETY: `firstRange` and `next` are bases of ranges that were added.
      let range = unsafe record(at: base).pointee
      if address >= range.firstFree && address < range.end { return range }
      base = range.next
    }
    fatalError("a frame that is not the frame allocator's")
  }

  /// Puts a whole gigabyte that was never taken on the list; false where there is none left.
  private mutating func touchGigabyte() -> Bool {
    var base = firstRange
    while base != .max {
      // SAFETY: `firstRange` and `next` are bases of ranges that were added.
      let range = unsafe record(at: base).pointee
      if range.untouched < range.untouchedEnd {
        // SAFETY: as above; the lock keeps other changes of the record out.
        unsafe record(at: base).pointee.untouched = range.untouched &+ 1
        let address = range.untouched << FrameRange.gigabyteShift
        table(range.gigabyteTable(of: address)).clear()
        insert(address, Self.huge, in: range)
        return true
      }
      base = range.next
    }
    return false
  }

  // MARK: - Tables

  private func table(_ address: HostPhysicalAddress) -> BlockTable {
    // SAFETY: the address was computed by `FrameRange`, in whose header or divided region the bytes are set apart.
    unsafe BlockTable(at: address, in: Memory.self)
  }

  /// The table in which blocks of `order` at `address` are marked.
  private func table(of order: UInt8, at address: UInt64, in range: FrameRange) -> BlockTable {
    table(order >= Self.large ? range.gigabyteTable(of: address) : range.regionTable(of: address))
  }

  /// `order` counted in the units of the table in which it is marked.
  private static func shift(of order: UInt8) -> UInt8 { order >= large ? order &- large : order }

  /// The unit of `address` in the table in which blocks of `order` are marked; the table takes it modulo 512.
  private static func unit(of address: UInt64, _ order: UInt8) -> UInt64 {
    order >= large ? address >> FrameRange.regionShift : address >> 12
  }

  /// How many frames of a whole, divided region are free: kept behind the table in the region's first frame.
  private func freeFrameCount(ofRegionAt region: UInt64) -> UnsafeMutablePointer<UInt16> {
    // SAFETY: only whole, divided regions come here; their first frame belongs to the allocator, and 512 is even.
    unsafe Memory.pointer(to: HostPhysicalAddress(region &+ BlockTable.byteCount)).assumingMemoryBound(to: UInt16.self)
  }

  // MARK: - Free blocks

  /// Marks a block free and puts it on its list.
  private mutating func insert(_ address: UInt64, _ order: UInt8, in range: FrameRange) {
    table(of: order, at: address, in: range)[Self.unit(of: address, order)] = .free(Self.shift(of: order))
    lists.push(address, order)
  }

  mutating func allocate(_ order: UInt8) -> UInt64? {
    if lists.available >> UInt32(order) == 0 && !touchGigabyte() { return nil }
    var found = order &+ UInt8(truncatingIfNeeded: (lists.available >> UInt32(order)).trailingZeroBitCount)
    var address = lists.pop(found)
    let range = range(of: address)
    if found >= Self.large && order < Self.large {
      split(address, from: found, to: Self.large, in: range)
      divide(address, in: range)
      found = order &+ UInt8(truncatingIfNeeded: (lists.available >> UInt32(order)).trailingZeroBitCount)
      address = lists.pop(found)
    }
    split(address, from: found, to: order, in: range)
    table(of: order, at: address, in: range)[Self.unit(of: address, order)] = .allocated(Self.shift(of: order))
    if order < Self.large && range.isWholeRegion(address) {
      // SAFETY: the block lies in a whole region, which is divided, since blocks below 2 MiB come from divided regions.
      unsafe freeFrameCount(ofRegionAt: FrameRange.regionStart(of: address)).pointee -= 1 << UInt16(order)
    }
    freeByteCount -= 1 << (UInt64(order) &+ 12)
    allocatedByteCount += 1 << (UInt64(order) &+ 12)
    return address
  }

  /// The order of the largest block that could be had, at most `limit`; nil where nothing is free.
  func largestOrder(atMost limit: UInt8) -> UInt8? {
    if lists.available >> UInt32(limit) != 0 || hasUntouchedGigabyte { return limit }
    let smaller = lists.available & (1 << UInt32(limit) &- 1)
    return smaller == 0 ? nil : UInt8(truncatingIfNeeded: 31 &- smaller.leadingZeroBitCount)
  }

  private var hasUntouchedGigabyte: Bool {
    var base = firstRange
    while base != .max {
      // SAFETY: `firstRange` and `next` are bases of ranges that were added.
      let range = unsafe record(at: base).pointee
      if range.untouched < range.untouchedEnd { return true }
      base = range.next
    }
    return false
  }

  /// Keeps the first part of a block that is on no list and gives the upper halves back to the lists.
  private mutating func split(_ address: UInt64, from order: UInt8, to wanted: UInt8, in range: FrameRange) {
    var order = order
    while order > wanted {
      order &-= 1
      insert(address &+ 1 << (UInt64(order) &+ 12), order, in: range)
    }
  }

  mutating func free(_ address: UInt64, _ order: UInt8) {
    precondition(
      address & (1 << (UInt64(order) &+ 12) &- 1) == 0, "a freed block begins where no block of its size can")
    let range = range(of: address)
    precondition(!range.isUntouched(address), "a freed block was never allocated")
    if order < Self.large {
      let region = table(range.gigabyteTable(of: address))[address >> FrameRange.regionShift]
      precondition(region == .divided, "a freed block was not allocated, or not with this size")
    }
    let table = table(of: order, at: address, in: range)
    let unit = Self.unit(of: address, order)
    precondition(
      table[unit] == .allocated(Self.shift(of: order)), "a freed block was not allocated, or not with this size")
    table[unit] = .none
    freeByteCount += 1 << (UInt64(order) &+ 12)
    allocatedByteCount -= 1 << (UInt64(order) &+ 12)
    merge(address, order, in: range)
    if order < Self.large && range.isWholeRegion(address) {
      let region = FrameRange.regionStart(of: address)
      // SAFETY: the region is whole, and its mark was `divided` above.
      let count = unsafe freeFrameCount(ofRegionAt: region)
      // SAFETY: as above.
      unsafe count.pointee += 1 << UInt16(order)
      // SAFETY: as above.
      if unsafe count.pointee == Self.frameCountOfRegion { reunite(region, in: range) }
    }
  }

  /// Joins a block that just became free with its buddies as far as they are free.
  private mutating func merge(_ address: UInt64, _ order: UInt8, in range: FrameRange) {
    let table = table(of: order, at: address, in: range)
    let last: UInt8 = order >= Self.large ? Self.huge : Self.large &- 1
    var address = address
    var order = order
    while order < last {
      let size: UInt64 = 1 << (UInt64(order) &+ 12)
      // A buddy outside the range is never marked free, so this does not leave it.
      let buddy = address ^ size
      guard table[Self.unit(of: buddy, order)] == .free(Self.shift(of: order)) else { break }
      lists.remove(buddy, order)
      table[Self.unit(of: buddy, order)] = .none
      address &= ~size
      order &+= 1
    }
    insert(address, order, in: range)
  }

  // MARK: - Divided regions

  /// Turns a 2 MiB block that is on no list into frames; the first one holds their table.
  private mutating func divide(_ region: UInt64, in range: FrameRange) {
    table(range.gigabyteTable(of: region))[region >> FrameRange.regionShift] = .divided
    table(HostPhysicalAddress(region)).clear()
    // SAFETY: the region is whole and divided as of now.
    unsafe freeFrameCount(ofRegionAt: region).initialize(to: Self.frameCountOfRegion)
    split(region, from: Self.large, to: 0, in: range)
    freeByteCount -= FrameRange.frameByteCount
  }

  /// Turns a divided region whose frames are all free into a 2 MiB block: the reverse of `divide`.
  private mutating func reunite(_ region: UInt64, in range: FrameRange) {
    for order in 0..<Self.large { lists.remove(region &+ 1 << (UInt64(order) &+ 12), order) }
    table(range.gigabyteTable(of: region))[region >> FrameRange.regionShift] = .none
    table(HostPhysicalAddress(region)).clear()
    // SAFETY: the region is still the allocator's alone.
    unsafe freeFrameCount(ofRegionAt: region).initialize(to: 0)
    freeByteCount += FrameRange.frameByteCount
    merge(region, Self.large, in: range)
  }
}
