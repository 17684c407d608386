import Kernel

/// The ways through the tables. Loops and recursion are bounded by the number of levels and of entries.
extension PageTable {
  /// The table at `address`, whose entries are at `level`.
  borrowing func table(at address: HostPhysicalAddress, level: UInt64) -> TableFrame<Memory> {
    // SAFETY: only the root and tables that this page table linked come here.
    unsafe TableFrame(at: address, entryCount: format.entryCount(atLevel: level))
  }

  /// The first leaf that maps anything in the range.
  borrowing func nextLeaf(in range: InputRange) -> Translation<Input>? {
    var input = range.start
    while input < range.end {
      let (entry, level) = lookUp(input)
      let base = input & ~(format.byteCount(atLevel: level) &- 1)
      if case .leaf(let output, let attributes) = entry {
        return Translation(input: Input(base), output: output, attributes: attributes, level: level)
      }
      input = base &+ format.byteCount(atLevel: level)
    }
    return nil
  }

  /// The entry at which the walk for `input` ends, a leaf or absent, and its level.
  private borrowing func lookUp(_ input: UInt64) -> (entry: PageTableEntry, level: UInt64) {
    var address = root
    var level = format.rootLevel
    while true {
      let entry = format.entry(table(at: address, level: level)[format.index(of: input, level: level)], level: level)
      guard case .table(let next) = entry, level > 0 else { return (entry, level) }
      address = next
      level &-= 1
    }
  }

  /// The entry for `input` at `level`; the tables above it exist.
  borrowing func slot(of input: UInt64, level wanted: UInt64) -> (table: TableFrame<Memory>, index: UInt64) {
    var address = root
    var level = format.rootLevel
    while level > wanted {
      let entry = format.entry(table(at: address, level: level)[format.index(of: input, level: level)], level: level)
      guard case .table(let next) = entry else { fatalError("a page table lacks the table it was seen to have") }
      address = next
      level &-= 1
    }
    return (table(at: address, level: level), format.index(of: input, level: level))
  }

  /// The level of the largest leaf that can begin at both addresses and maps at most `byteCount` bytes.
  borrowing func leafLevel(for input: UInt64, _ output: UInt64, byteCount: UInt64) -> UInt64 {
    var level = min(format.largestLeafLevel, format.rootLevel)
    while level > 0 {
      let size = format.byteCount(atLevel: level)
      if (input | output) & (size &- 1) == 0 && byteCount >= size { break }
      level &-= 1
    }
    return level
  }
}
