/// A node of a flattened device tree. Copying it copies a place, not the node.
public struct DeviceTreeNode {
  let tree: FlattenedDeviceTree
  /// With its unit address: `pl011@9000000`. Empty for the root.
  public let name: DeviceTreeBytes
  /// Where the node's first token lies.
  let contents: Int
  /// How the parent says that `reg` is to be read.
  let cells: CellCounts
  /// Nodes above this one.
  public let depth: Int

  /// The name up to the `@`.
  public var baseName: DeviceTreeBytes {
    guard let at = name.firstIndex(of: UInt8(ascii: "@"), from: 0) else { return name }
    return name.slice(0..<at) ?? name
  }

  public var properties: Properties { Properties(tokens: TokenReader(tree, at: contents)) }

  public var children: Children {
    Children(tokens: TokenReader(tree, at: contents), cells: cellsOfChildren, depth: depth + 1)
  }

  public func property(_ name: StaticString) -> DeviceTreeProperty? {
    var tokens = TokenReader(tree, at: contents)
    return tokens.nextProperty(named: name)
  }

  public func child(_ name: StaticString) -> DeviceTreeNode? {
    for child in children where child.name == name { return child }
    return nil
  }

  /// Whether `compatible` names `model`.
  public func isCompatible(with model: StaticString) -> Bool { property("compatible")?.contains(model) ?? false }

  /// Whether `status` is absent, `okay` or `ok`.
  public var isEnabled: Bool {
    guard let status = property("status")?.string else { return true }
    return status == "okay" || status == "ok"
  }

  public var phandle: UInt32? { (property("phandle") ?? property("linux,phandle"))?.u32 }

  /// The entries of `reg` as the parent bus sees them. Empty where the parent uses more than two cells for one number.
  public var registers: DeviceTreeRegisters { DeviceTreeRegisters(property: property("reg"), cells: cells) }

  /// How the children's `reg` is to be read. A count that no bus has makes their `reg` unreadable.
  var cellsOfChildren: CellCounts {
    func count(_ name: StaticString, _ standard: Int) -> Int {
      guard let property = property(name) else { return standard }
      return property.u32.flatMap { $0 <= 4 ? Int($0) : nil } ?? 4
    }
    return CellCounts(
      address: count("#address-cells", CellCounts.standard.address),
      size: count("#size-cells", CellCounts.standard.size))
  }

  public struct Properties: Sequence, IteratorProtocol {
    var tokens: TokenReader

    public mutating func next() -> DeviceTreeProperty? {
      guard case .property(let property) = try? tokens.next() else { return nil }
      return property
    }
  }

  public struct Children: Sequence, IteratorProtocol {
    var tokens: TokenReader
    let cells: CellCounts
    let depth: Int

    public mutating func next() -> DeviceTreeNode? {
      guard let name = tokens.nextChild() else { return nil }
      let child = DeviceTreeNode(tree: tokens.tree, name: name, contents: tokens.offset, cells: cells, depth: depth)
      tokens.skipNode()
      return child
    }
  }
}
