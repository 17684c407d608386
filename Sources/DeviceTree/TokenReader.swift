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

  /// Goes past the end of the node whose contents begin here.
  mutating func skipNode() {
    var depth = 1
    while depth > 0 {
      switch try? next() {
      case .beginNode: depth += 1
      case .endNode: depth -= 1
      case .property: continue
      case .end, nil: return
      }
    }
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
