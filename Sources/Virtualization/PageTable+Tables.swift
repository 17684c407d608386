import Kernel

/// How tables come and go.
extension PageTable {
  /// A table in which nothing is mapped.
  private func makeTable() -> HostPhysicalAddress? {
    guard let address = frames.allocate(.frame) else { return nil }
    Self.clear(address, .frame)
    return address
  }

  /// Makes all entries of a table, or of several in a row, absent. The frames were allocated for it just now.
  static func clear(_ address: HostPhysicalAddress, _ order: FrameOrder) {
    // SAFETY: the frames belong to the page table, and `order` says how many bytes they are.
    unsafe Memory.pointer(to: address).initializeMemory(as: UInt64.self, repeating: 0, count: Int(order.byteCount) / 8)
  }

  /// The table for `input` at `level`, made with all tables above it; nil where frames ran out on the way.
  ///
  /// What is made stays in the latter case.
  mutating func makePath(to input: UInt64, level wanted: UInt64) -> TableFrame<Memory>? {
    var address = root
    var level = format.rootLevel
    while level > wanted {
      let table = table(at: address, level: level)
      let index = format.index(of: input, level: level)
      switch format.entry(table[index], level: level) {
      case .table(let next):
        address = next
      case .leaf:
        fatalError("a page table maps more than a moment ago")
      case .absent:
        guard let new = makeTable() else { return nil }
        table[index] = format.link(to: new, level: level)
        address = new
      }
      level &-= 1
    }
    return table(at: address, level: level)
  }

  /// Makes the leaf across `input`, if there is one, into smaller ones until `input` is where a leaf begins.
  ///
  /// The small leaves are written before the large one is taken away, and hardware is made to forget the large one before
  /// the table takes its place (break before make; Arm ARM DDI 0487, D8.16.1).
  mutating func splitLeaf(
    at input: UInt64, maintenance: borrowing some TranslationMaintenance<Input>
  ) throws(PageTableError) {
    guard input < 1 << format.inputBitCount else { return }
    while let leaf = nextLeaf(in: InputRange(start: input, end: input &+ 4096)), leaf.input.rawValue < input {
      guard let address = makeTable() else { throw .outOfFrames }
      let level = leaf.level &- 1
      let size = format.byteCount(atLevel: level)
      let table = table(at: address, level: level)
      for index in 0..<table.entryCount {
        let output = HostPhysicalAddress(leaf.output.rawValue &+ index &* size)
        table[index] = format.leaf(to: output, leaf.attributes, level: level)
      }
      let (parent, index) = slot(of: input, level: leaf.level)
      parent[index] = 0
      maintenance.invalidate(leaf.input, byteCount: leaf.byteCount)
      parent[index] = format.link(to: address, level: leaf.level)
      maintenance.publish(leaf.input, byteCount: leaf.byteCount)
    }
  }

  // MARK: - Removal

  /// Takes away all leaves in the range, none of which reaches across its ends, and the tables that this empties.
  ///
  /// The tables go back to the frame allocator when hardware no longer walks through them.
  mutating func removeLeaves(of range: InputRange, maintenance: borrowing some TranslationMaintenance<Input>) {
    var detached = DetachedTables<Memory>()
    removeLeaves(of: range, in: root, level: format.rootLevel, base: 0, &detached)
    maintenance.invalidate(Input(range.start), byteCount: range.end &- range.start)
    while let table = detached.pop() { frames.free(table, .frame) }
  }

  /// - Parameter base: The first address that the table maps.
  /// - Returns: Whether the table is empty now.
  @discardableResult
  private mutating func removeLeaves(
    of range: InputRange, in address: HostPhysicalAddress, level: UInt64, base: UInt64,
    _ detached: inout DetachedTables<Memory>
  ) -> Bool {
    let table = table(at: address, level: level)
    let size = format.byteCount(atLevel: level)
    let first = range.start > base ? (range.start &- base) / size : 0
    let behind = min(table.entryCount, (range.end &- base &+ (size &- 1)) / size)
    for index in first..<behind {
      switch format.entry(table[index], level: level) {
      case .absent: break
      case .leaf: table[index] = 0
      case .table(let next):
        if removeLeaves(of: range, in: next, level: level &- 1, base: base &+ index &* size, &detached) {
          table[index] = 0
          detached.push(next)
        }
      }
    }
    return (0..<table.entryCount).allSatisfy { table[$0] == 0 }
  }

  /// Gives back all tables that the one at `address` leads to.
  borrowing func freeTables(linkedFrom address: HostPhysicalAddress, level: UInt64) {
    guard level > 0 else { return }
    let table = table(at: address, level: level)
    for index in 0..<table.entryCount {
      if case .table(let next) = format.entry(table[index], level: level) {
        freeTables(linkedFrom: next, level: level &- 1)
        frames.free(next, .frame)
      }
    }
  }
}

/// Tables that no entry leads to, but through which hardware may still walk. They are chained by their first entries: the
/// address of the next table, whose low bits are zero, so that to the hardware nothing is there.
private struct DetachedTables<Memory: PhysicalMemory>: ~Copyable {
  /// Zero at the end: the first frame of a range of RAM is never handed out.
  private var first: UInt64 = 0

  mutating func push(_ address: HostPhysicalAddress) {
    // SAFETY: an empty table that belonged to the page table until now; nobody else writes it.
    unsafe TableFrame<Memory>(at: address, entryCount: 512)[0] = first
    first = address.rawValue
  }

  mutating func pop() -> HostPhysicalAddress? {
    guard first != 0 else { return nil }
    let address = HostPhysicalAddress(first)
    // SAFETY: as above.
    first = unsafe TableFrame<Memory>(at: address, entryCount: 512)[0]
    return address
  }
}
