extension FlattenedDeviceTree {
  /// What a visitor wants to see next.
  public enum Visit {
    /// The node's children, then its siblings.
    case `continue`
    /// Nothing more.
    case stop
  }

  /// Shows every node, parents before children, in the order of the tree.
  public func visitNodes(_ body: (DeviceTreeNode) -> Visit) { _ = visit(root, body) }

  private func visit(_ node: DeviceTreeNode, _ body: (DeviceTreeNode) -> Visit) -> Visit {
    if case .stop = body(node) { return .stop }
    for child in node.children {
      if case .stop = visit(child, body) { return .stop }
    }
    return .continue
  }

  public func firstNode(where matches: (DeviceTreeNode) -> Bool) -> DeviceTreeNode? {
    var found: DeviceTreeNode?
    visitNodes { node in
      guard matches(node) else { return .continue }
      found = node
      return .stop
    }
    return found
  }

  /// The first node whose `compatible` names `model`, enabled or not.
  public func firstNode(compatibleWith model: StaticString) -> DeviceTreeNode? {
    firstNode { $0.isCompatible(with: model) }
  }

  public func node(phandle: UInt32) -> DeviceTreeNode? { firstNode { $0.phandle == phandle } }

  /// The node at a path from the root, such as `/cpus/cpu@0`; a step without `@` matches the first child with that base name.
  public func node(path: StaticString) -> DeviceTreeNode? { node(path: DeviceTree.bytes(of: path)[...]) }

  /// As above, for a path that was read, as from `/chosen`'s `stdout-path`. What follows a `:` is not part of the path.
  public func node(path: DeviceTreeBytes) -> DeviceTreeNode? { node(path: [UInt8](path)[...]) }

  private func node(path: ArraySlice<UInt8>) -> DeviceTreeNode? {
    let path = path.prefix { $0 != UInt8(ascii: ":") }
    guard path.first == UInt8(ascii: "/") else { return alias(path) }
    var node = root
    for step in path.split(separator: UInt8(ascii: "/")) {
      guard let child = node.children.first(where: { $0.name.elementsEqual(step) || $0.baseName.elementsEqual(step) })
      else { return nil }
      node = child
    }
    return node
  }

  /// The node that `/aliases` names (Devicetree Specification v0.4, 3.3).
  private func alias(_ name: ArraySlice<UInt8>) -> DeviceTreeNode? {
    let target = root.child("aliases")?.properties.first { $0.name.elementsEqual(name) }
    guard let path = target?.string, path.starts(with: "/") else { return nil }
    return node(path: path)
  }
}

extension FlattenedDeviceTree {
  /// An entry of `node`'s `reg` as the CPUs see it: taken through the `ranges` of every bus above.
  ///
  /// Nil where a bus above has no `ranges`, or none that holds the whole entry.
  public func translate(_ register: DeviceTreeRegister, of node: DeviceTreeNode) -> DeviceTreeRegister? {
    translate(register, of: node, below: root)
  }

  private func translate(
    _ register: DeviceTreeRegister, of node: DeviceTreeNode, below bus: DeviceTreeNode
  ) -> DeviceTreeRegister? {
    // Siblings lie one after the other, so the node is inside the last child that begins at or before it.
    var step: DeviceTreeNode?
    for child in bus.children where child.contents <= node.contents { step = child }
    guard let step else { return nil }
    if step.contents == node.contents { return register }
    return translate(register, of: node, below: step).flatMap { step.translateByRanges($0) }
  }
}

extension DeviceTreeNode {
  /// Takes an address of this node's children to this node's own bus (Devicetree Specification v0.4, 2.3.8).
  func translateByRanges(_ register: DeviceTreeRegister) -> DeviceTreeRegister? {
    guard let ranges = property("ranges") else { return nil }
    if ranges.value.isEmpty { return register }
    let inner = cellsOfChildren
    let step = inner.address + cells.address + inner.size
    guard step > 0 else { return nil }
    var index = 0
    while let childBase = ranges.number(at: index, cells: inner.address),
      let parentBase = ranges.number(at: index + inner.address, cells: cells.address),
      let byteCount = ranges.number(at: index + inner.address + cells.address, cells: inner.size)
    {
      index += step
      guard register.address >= childBase, register.address - childBase < byteCount,
        register.byteCount <= byteCount - (register.address - childBase)
      else { continue }
      let (address, overflow) = parentBase.addingReportingOverflow(register.address - childBase)
      return overflow ? nil : DeviceTreeRegister(address: address, byteCount: register.byteCount)
    }
    return nil
  }
}
