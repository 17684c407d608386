/// Reads the structure block token by token, each inside its bounds (Devicetree Specification v0.4, 5.4).
///
/// Every call goes at least one word further, so a walk is bounded by the block's size.
struct TokenReader {
  static let beginNode: UInt32 = 1
  static let endNode: UInt32 = 2
  static let property: UInt32 = 3
  static let nop: UInt32 = 4
  static let end: UInt32 = 9

  enum Token {
    case beginNode(name: DeviceTreeBytes)
    case endNode
    case property(DeviceTreeProperty)
    case end
  }

  let tree: FlattenedDeviceTree
  /// Where the next token begins.
  private(set) var offset: Int

  init(_ tree: FlattenedDeviceTree) { self.init(tree, at: tree.structure.lowerBound) }

  init(_ tree: FlattenedDeviceTree, at offset: Int) {
    self.tree = tree
    self.offset = offset
  }

  mutating func next() throws(DeviceTreeError) -> Token {
    var token = try word()
    while token == Self.nop { token = try word() }
    switch token {
    case Self.beginNode: return .beginNode(name: try nodeName())
    case Self.endNode: return .endNode
    case Self.property: return .property(try propertyBody())
    case Self.end: return .end
    default: throw .unexpectedToken(token, offset: offset - 4)
    }
  }

  /// Goes past the end of the node whose contents begin here. Names and values were checked once and are not looked at.
  mutating func skipNode() {
    var depth = 1
    while depth > 0 {
      switch try? word() {
      case Self.nop: continue
      case Self.beginNode:
        guard skipName() else { return }
        depth += 1
      case Self.endNode: depth -= 1
      case Self.property:
        guard (try? skipProperty()) != nil else { return }
      default: return
      }
    }
  }

  /// The next property of that name among those that follow here; nil where a child or the node's end comes first.
  mutating func nextProperty(named name: StaticString) -> DeviceTreeProperty? {
    while true {
      switch try? word() {
      case Self.nop: continue
      case Self.property:
        let start = offset
        guard let nameOffset = try? skipProperty() else { return nil }
        // The strings' bounds were checked with the whole tree; a longer match would end outside of them.
        guard tree.bytes.holds(name, at: tree.strings.lowerBound &+ nameOffset) else { continue }
        offset = start
        return try? propertyBody()
      default: return nil
      }
    }
  }

  /// The name of the next child, past the properties that come before it; nil where there is none.
  mutating func nextChild() -> DeviceTreeBytes? {
    while true {
      switch try? word() {
      case Self.nop: continue
      case Self.property:
        guard (try? skipProperty()) != nil else { return nil }
      case Self.beginNode: return try? nodeName()
      default: return nil
      }
    }
  }

  /// Goes past the property whose length is next.
  /// - Returns: where its name is among the strings.
  private mutating func skipProperty() throws(DeviceTreeError) -> Int {
    let byteCount = Int(try word())
    let nameOffset = Int(try word())
    try moveTo(offset &+ byteCount)
    return nameOffset
  }

  /// Goes past a node's name: words, of which the last has a byte that is zero.
  /// - Returns: false where there is none.
  private mutating func skipName() -> Bool {
    while let letters = try? word() {
      if (letters &- 0x0101_0101) & ~letters & 0x8080_8080 != 0 { return true }
    }
    return false
  }

  private mutating func word() throws(DeviceTreeError) -> UInt32 {
    guard offset + 4 <= tree.structure.upperBound, let word = tree.bytes.word(at: offset) else {
      throw .truncatedStructure(offset: offset)
    }
    offset += 4
    return word
  }

  private mutating func nodeName() throws(DeviceTreeError) -> DeviceTreeBytes {
    guard let end = tree.bytes.firstIndex(of: 0, from: offset), end < tree.structure.upperBound,
      let name = tree.bytes.slice(offset..<end)
    else { throw .badName(offset: offset) }
    try moveTo(end + 1)
    return name
  }

  private mutating func propertyBody() throws(DeviceTreeError) -> DeviceTreeProperty {
    let start = offset
    let byteCount = Int(try word())
    let nameOffset = Int(try word())
    guard nameOffset < tree.strings.count else { throw .badName(offset: start) }
    let nameStart = tree.strings.lowerBound + nameOffset
    guard let nameEnd = tree.bytes.firstIndex(of: 0, from: nameStart), nameEnd < tree.strings.upperBound,
      let name = tree.bytes.slice(nameStart..<nameEnd)
    else { throw .badName(offset: start) }
    guard byteCount <= tree.structure.upperBound - offset, let value = tree.bytes.slice(offset..<offset + byteCount)
    else { throw .badValue(offset: start) }
    try moveTo(offset + byteCount)
    return DeviceTreeProperty(name: name, value: value)
  }

  /// Goes on at the next multiple of four.
  private mutating func moveTo(_ newOffset: Int) throws(DeviceTreeError) {
    let aligned = (newOffset + 3) & ~3
    guard aligned <= tree.structure.upperBound else { throw .truncatedStructure(offset: offset) }
    offset = aligned
  }
}
