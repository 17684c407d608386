/// Why bytes are not a flattened device tree (Devicetree Specification v0.4, chapter 5). Offsets count from its first byte.
public enum DeviceTreeError: Error, Equatable, Sendable {
  /// Fewer bytes than the header has.
  case truncatedHeader
  /// The first word is not 0xd00dfeed.
  case badMagic(UInt32)
  /// Not readable as version 17.
  case unsupportedVersion(version: UInt32, lastCompatible: UInt32)
  /// The reservation, structure or strings block is misaligned or leaves the tree.
  case badBlock(offset: UInt32, byteCount: UInt32)
  /// The list of memory reservations has no end within the tree.
  case unterminatedReservations
  /// The structure block ends inside a token, or without the end token.
  case truncatedStructure(offset: Int)
  /// A word that is no token, or a token where it cannot stand.
  case unexpectedToken(UInt32, offset: Int)
  /// A node's or property's name has no end, or its place lies outside the strings block.
  case badName(offset: Int)
  /// A property's value leaves the structure block.
  case badValue(offset: Int)
  /// A property follows a child node.
  case propertyAfterChild(offset: Int)
  /// More nodes inside each other than `FlattenedDeviceTree.maximumDepth`.
  case tooDeep(offset: Int)
}
