/// One entry of `reg`, of the memory reservations or of a translated range.
public struct DeviceTreeRegister: Equatable, Sendable {
  public let address: UInt64
  /// Bytes; 0 where the parent gives entries no size, as for CPUs.
  public let byteCount: UInt64

  public init(address: UInt64, byteCount: UInt64) {
    self.address = address
    self.byteCount = byteCount
  }
}

/// How many cells an address and a size take in the `reg` of a node's children.
struct CellCounts {
  let address: Int
  let size: Int

  /// What holds where a node does not say (Devicetree Specification v0.4, 2.3.5).
  static let standard = CellCounts(address: 2, size: 1)
  /// The root has no parent; its `reg`, were there one, would have no meaning.
  static let ofRoot = CellCounts(address: 0, size: 0)
}

/// The entries of a node's `reg`.
public struct DeviceTreeRegisters: Sequence, IteratorProtocol {
  let property: DeviceTreeProperty?
  let cells: CellCounts
  var index = 0

  public mutating func next() -> DeviceTreeRegister? {
    guard let property, cells.address + cells.size > 0,
      let address = property.number(at: index, cells: cells.address),
      let byteCount = property.number(at: index + cells.address, cells: cells.size)
    else { return nil }
    index += cells.address + cells.size
    return DeviceTreeRegister(address: address, byteCount: byteCount)
  }
}
