/// A flattened device tree, version 17, in memory that somebody else keeps (Devicetree Specification v0.4, chapter 5).
///
/// The whole tree is walked once when it is made; after that every question has an answer without an error. Nothing is
/// copied and nothing is allocated. All reads are bounded, so bytes that change later give wrong answers, but no access
/// outside of them and no endless loop.
///
/// `totalsize` is only an upper bound here: QEMU says 1 MiB for a tree of a few KiB. See `usedByteCount`.
@safe public struct FlattenedDeviceTree {
  /// How many nodes may lie inside each other; the root counts as one.
  public static let maximumDepth = 32

  /// The header's size in bytes.
  static let headerByteCount = 40
  static let magic: UInt32 = 0xd00d_feed

  let bytes: DeviceTreeBytes
  /// Where the structure block lies.
  let structure: Range<Int>
  /// Where the strings block lies.
  let strings: Range<Int>
  /// Where the memory reservations lie, without the entry of zeroes that ends them.
  let reservations: Range<Int>
  /// The CPU that the firmware started, as its `reg` names it.
  public let bootCPU: UInt32

  /// Checks the tree that begins at the first of `bytes`; there may be more bytes than the tree has.
  ///
  /// - Safety: `bytes` stays readable while this value, or anything read from it, is used.
  @unsafe public init(_ bytes: UnsafeRawBufferPointer) throws(DeviceTreeError) {
    // SAFETY: what the caller promises for `bytes` is what `DeviceTreeBytes` asks for.
    try self.init(checking: unsafe DeviceTreeBytes(bytes))
  }

  private init(checking bytes: DeviceTreeBytes) throws(DeviceTreeError) {
    guard bytes.count >= Self.headerByteCount else { throw .truncatedHeader }
    func field(_ index: Int) -> UInt32 { bytes.word(at: index * 4) ?? 0 }
    guard field(0) == Self.magic else { throw .badMagic(field(0)) }
    guard field(5) >= 17, field(6) <= 17 else {
      throw .unsupportedVersion(version: field(5), lastCompatible: field(6))
    }
    let end = min(bytes.count, Int(field(1)))

    func block(at offset: UInt32, byteCount: UInt32, alignment: UInt32) throws(DeviceTreeError) -> Range<Int> {
      let last = UInt64(offset) + UInt64(byteCount)
      guard offset >= Self.headerByteCount, offset % alignment == 0, last <= UInt64(end) else {
        throw .badBlock(offset: offset, byteCount: byteCount)
      }
      return Int(offset)..<Int(last)
    }
    self.bytes = bytes
    structure = try block(at: field(2), byteCount: field(9), alignment: 4)
    strings = try block(at: field(3), byteCount: field(8), alignment: 1)
    let firstReservation = try block(at: field(4), byteCount: 16, alignment: 8).lowerBound
    bootCPU = field(7)

    var reservationEnd = firstReservation
    while true {
      guard reservationEnd + 16 <= end, let address = bytes.doubleword(at: reservationEnd),
        let byteCount = bytes.doubleword(at: reservationEnd + 8)
      else { throw .unterminatedReservations }
      if address == 0 && byteCount == 0 { break }
      reservationEnd += 16
    }
    reservations = firstReservation..<reservationEnd
    try checkStructure()
  }

  /// Bytes from the start of the tree to the end of its last block: what must be kept, and no more than that.
  public var usedByteCount: Int { max(structure.upperBound, strings.upperBound, reservations.upperBound + 16) }

  public var root: DeviceTreeNode {
    var tokens = TokenReader(self)
    guard case .beginNode(let name) = try? tokens.next() else { preconditionFailure("the tree was checked") }
    return DeviceTreeNode(
      tree: self, name: name, contents: tokens.offset, cells: .ofRoot, depth: 0)
  }

  /// The ranges of memory that the firmware keeps, in the order of the tree.
  public var memoryReservations: MemoryReservations { MemoryReservations(tree: self) }

  public struct MemoryReservations: Sequence, IteratorProtocol {
    let tree: FlattenedDeviceTree
    var offset: Int

    init(tree: FlattenedDeviceTree) {
      self.tree = tree
      offset = tree.reservations.lowerBound
    }

    public mutating func next() -> DeviceTreeRegister? {
      guard offset < tree.reservations.upperBound, let address = tree.bytes.doubleword(at: offset),
        let byteCount = tree.bytes.doubleword(at: offset + 8)
      else { return nil }
      offset += 16
      return DeviceTreeRegister(address: address, byteCount: byteCount)
    }
  }
}

extension FlattenedDeviceTree {
  /// Walks every token once: names and values lie inside their blocks, nodes close, nothing stands where it cannot.
  private func checkStructure() throws(DeviceTreeError) {
    var tokens = TokenReader(self)
    var depth = 0
    var hasRoot = false
    var mayHaveProperty = false
    while true {
      let start = tokens.offset
      switch try tokens.next() {
      case .beginNode:
        guard depth > 0 || !hasRoot else { throw .unexpectedToken(TokenReader.beginNode, offset: start) }
        guard depth < Self.maximumDepth else { throw .tooDeep(offset: start) }
        depth += 1
        hasRoot = true
        mayHaveProperty = true
      case .endNode:
        guard depth > 0 else { throw .unexpectedToken(TokenReader.endNode, offset: start) }
        depth -= 1
        mayHaveProperty = false
      case .property:
        guard depth > 0 else { throw .unexpectedToken(TokenReader.property, offset: start) }
        guard mayHaveProperty else { throw .propertyAfterChild(offset: start) }
      case .end:
        guard depth == 0, hasRoot else { throw .unexpectedToken(TokenReader.end, offset: start) }
        return
      }
    }
  }
}
