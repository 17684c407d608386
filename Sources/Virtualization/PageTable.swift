import Kernel

/// A page table of any format, and the frames that it consists of.
///
/// Changes are made by one owner at a time (they are mutating), while hardware walks the table. Its owner ends it
/// with `destroy()`: Swift 6.3 cannot specialise the `deinit` of a generic type of another module in Embedded mode.
public struct PageTable<Format: PageTableFormat, Memory: PhysicalMemory>: ~Copyable {
  public typealias Input = Format.Input

  public let format: Format
  let frames: FrameAllocator<Memory>
  /// Where the hardware starts to walk.
  public let root: HostPhysicalAddress

  /// An empty table.
  public init(_ format: Format, from frames: FrameAllocator<Memory>) throws(PageTableError) {
    guard let root = frames.allocate(format.rootOrder) else { throw .outOfFrames }
    Self.clear(root, format.rootOrder)
    self.format = format
    self.frames = frames
    self.root = root
  }

  /// Gives every frame back. No CPU uses the table or keeps translations of it; it is not used again.
  public mutating func destroy() {
    freeTables(linkedFrom: root, level: format.rootLevel)
    frames.free(root, format.rootOrder)
  }

  // MARK: - Changes

  /// Maps a range that is not mapped, with the largest leaves that the addresses permit.
  ///
  /// On an error nothing has changed.
  public mutating func map(
    _ input: Input, to output: HostPhysicalAddress, byteCount: UInt64, as attributes: PageAttributes,
    maintenance: borrowing some TranslationMaintenance<Input>
  ) throws(PageTableError) {
    let range = try InputRange(input, byteCount, in: format)
    guard output.isAligned(to: 4096) else { throw .misaligned }
    guard let last = output.advanced(by: byteCount &- 1), last.rawValue >> format.outputBitCount == 0 else {
      throw .outOfRange
    }
    guard nextLeaf(in: range) == nil else { throw .alreadyMapped }
    var input = range.start
    var output = output.rawValue
    while input < range.end {
      let level = leafLevel(for: input, output, byteCount: range.end &- input)
      guard let table = makePath(to: input, level: level) else {
        removeLeaves(of: InputRange(start: range.start, end: input &+ 4096), maintenance: maintenance)
        throw .outOfFrames
      }
      // Fill the table as far as leaves of this size go.
      let size = format.byteCount(atLevel: level)
      var index = format.index(of: input, level: level)
      repeat {
        table[index] = format.leaf(to: HostPhysicalAddress(output), attributes, level: level)
        input &+= size
        output &+= size
        index &+= 1
      } while index < table.entryCount && range.end &- input >= size && input < range.end
    }
    maintenance.publish(Input(range.start), byteCount: byteCount)
  }

  /// Removes what is mapped in the range. A leaf that reaches across an end is split first.
  ///
  /// While it is split, all that it mapped is absent for a moment. On an error no translation has changed.
  public mutating func unmap(
    _ input: Input, byteCount: UInt64, maintenance: borrowing some TranslationMaintenance<Input>
  ) throws(PageTableError) {
    let range = try InputRange(input, byteCount, in: format)
    try splitLeaf(at: range.start, maintenance: maintenance)
    try splitLeaf(at: range.end, maintenance: maintenance)
    removeLeaves(of: range, maintenance: maintenance)
  }

  /// Gives what is mapped in the range other permissions. A leaf that reaches across an end is split first, as by `unmap`.
  public mutating func protect(
    _ input: Input, byteCount: UInt64, _ permissions: AccessPermissions,
    maintenance: borrowing some TranslationMaintenance<Input>
  ) throws(PageTableError) {
    let range = try InputRange(input, byteCount, in: format)
    try splitLeaf(at: range.start, maintenance: maintenance)
    try splitLeaf(at: range.end, maintenance: maintenance)
    var rest = range
    while let leaf = nextLeaf(in: rest) {
      let attributes = PageAttributes(permissions, leaf.attributes.memoryType)
      // Address, size and memory type stay, so the entry need not be absent in between.
      let (table, index) = slot(of: leaf.input.rawValue, level: leaf.level)
      table[index] = format.leaf(to: leaf.output, attributes, level: leaf.level)
      rest.start = leaf.input.rawValue &+ leaf.byteCount
    }
    maintenance.invalidate(Input(range.start), byteCount: byteCount)
  }

  // MARK: - Questions

  /// Where `input` leads, and by which right; nil where nothing is mapped.
  public borrowing func translate(_ input: Input) -> Translation<Input>? {
    guard let range = try? InputRange(Input(input.rawValue & ~4095), 4096, in: format),
      let leaf = nextLeaf(in: range)
    else { return nil }
    return leaf
  }

  /// Calls `body` with each leaf, in order of address.
  public borrowing func forEachLeaf(_ body: (Translation<Input>) -> Void) {
    var rest = InputRange(start: 0, end: 1 << format.inputBitCount)
    while let leaf = nextLeaf(in: rest) {
      body(leaf)
      rest.start = leaf.input.rawValue &+ leaf.byteCount
    }
  }
}
