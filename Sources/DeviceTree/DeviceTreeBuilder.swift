/// Writes a flattened device tree, version 17 (Devicetree Specification v0.4, chapter 5).
///
/// Nodes are begun and ended like brackets; a node's properties come before its children. Misuse is our own error and
/// ends with a message. Allocates; for set-up only.
public struct DeviceTreeBuilder {
  private var structure: [UInt8] = []
  private var strings: [UInt8] = []
  private var reservations: [UInt8] = []
  private var depth = 0
  private var mayHaveProperty = false
  private var hasRoot = false
  private let bootCPU: UInt32

  /// - Parameter bootCPU: the `reg` of the CPU that runs first.
  public init(bootCPU: UInt32 = 0) { self.bootCPU = bootCPU }

  /// Tells the reader to leave a range of memory alone. Not for an empty range at 0, which ends the list.
  public mutating func reserve(_ range: DeviceTreeRegister) {
    precondition(range.address != 0 || range.byteCount != 0, "the entry that ends the reservations")
    reservations.appendBigEndian(range.address)
    reservations.appendBigEndian(range.byteCount)
  }

  // MARK: Nodes

  /// Begins the root, with an empty name, or a child of the node begun last.
  public mutating func beginNode(_ name: StaticString) { beginNode(bytes(of: name)) }

  public mutating func beginNode(_ name: [UInt8]) {
    precondition(depth > 0 || !hasRoot, "a second root")
    precondition(!name.contains(0), "a zero in a name")
    structure.appendBigEndian(TokenReader.beginNode)
    structure += name
    structure.append(0)
    structure.pad(to: 4)
    depth += 1
    hasRoot = true
    mayHaveProperty = true
  }

  /// Begins a child named `name@unitAddress`, the address in hexadecimal.
  public mutating func beginNode(_ name: StaticString, at unitAddress: UInt64) {
    beginNode(bytes(of: name), at: unitAddress)
  }

  public mutating func beginNode(_ name: [UInt8], at unitAddress: UInt64) {
    beginNode(name + [UInt8(ascii: "@")] + hexadecimal(unitAddress))
  }

  public mutating func endNode() {
    precondition(depth > 0, "no node to end")
    structure.appendBigEndian(TokenReader.endNode)
    depth -= 1
    mayHaveProperty = false
  }

  // MARK: Properties

  public mutating func property(_ name: StaticString, bytes value: [UInt8]) { property(bytes(of: name), bytes: value) }

  public mutating func property(_ name: [UInt8], bytes value: [UInt8]) {
    precondition(mayHaveProperty, "a property outside of a node or after a child")
    structure.appendBigEndian(TokenReader.property)
    structure.appendBigEndian(UInt32(value.count))
    structure.appendBigEndian(UInt32(offsetOfString(name)))
    structure += value
    structure.pad(to: 4)
  }

  /// A property that says something by being there.
  public mutating func property(_ name: StaticString) { property(name, bytes: []) }

  public mutating func property(_ name: StaticString, u32 value: UInt32) { property(name, cells: [value]) }

  public mutating func property(_ name: StaticString, u64 value: UInt64) { property(name, doublewords: [value]) }

  public mutating func property(_ name: StaticString, cells: [UInt32]) {
    var value: [UInt8] = []
    for cell in cells { value.appendBigEndian(cell) }
    property(name, bytes: value)
  }

  /// Numbers of two cells each, as in a `reg` under two address and two size cells.
  public mutating func property(_ name: StaticString, doublewords: [UInt64]) {
    var value: [UInt8] = []
    for doubleword in doublewords { value.appendBigEndian(doubleword) }
    property(name, bytes: value)
  }

  public mutating func property(_ name: StaticString, string: StaticString) {
    property(name, string: bytes(of: string))
  }

  public mutating func property(_ name: StaticString, string: [UInt8]) { property(name, bytes: string + [0]) }

  public mutating func property(_ name: StaticString, strings: [StaticString]) {
    var value: [UInt8] = []
    for string in strings { value += bytes(of: string) + [0] }
    property(name, bytes: value)
  }

  // MARK: The whole

  /// The tree. Every node must have been ended.
  public consuming func finish() -> [UInt8] {
    precondition(depth == 0 && hasRoot, "a node that was not ended")
    structure.appendBigEndian(TokenReader.end)
    reservations += [UInt8](repeating: 0, count: 16)

    let reservationOffset = FlattenedDeviceTree.headerByteCount
    let structureOffset = reservationOffset + reservations.count
    let stringsOffset = structureOffset + structure.count
    var tree: [UInt8] = []
    tree.reserveCapacity(stringsOffset + strings.count)
    let header: [UInt32] = [
      FlattenedDeviceTree.magic, UInt32(stringsOffset + strings.count), UInt32(structureOffset),
      UInt32(stringsOffset), UInt32(reservationOffset), 17, 16, bootCPU, UInt32(strings.count),
      UInt32(structure.count),
    ]
    for field in header { tree.appendBigEndian(field) }
    tree += reservations
    tree += structure
    tree += strings
    return tree
  }

  /// Where `name` stands in the strings block; added where it is not there yet.
  private mutating func offsetOfString(_ name: [UInt8]) -> Int {
    precondition(!name.contains(0), "a zero in a name")
    var start = 0
    while start < strings.count {
      let end = strings[start...].firstIndex(of: 0) ?? strings.count
      if strings[start..<end].elementsEqual(name) { return start }
      start = end + 1
    }
    strings += name
    strings.append(0)
    return start
  }
}

extension [UInt8] {
  mutating func appendBigEndian(_ value: UInt32) {
    append(UInt8(truncatingIfNeeded: value >> 24))
    append(UInt8(truncatingIfNeeded: value >> 16))
    append(UInt8(truncatingIfNeeded: value >> 8))
    append(UInt8(truncatingIfNeeded: value))
  }

  mutating func appendBigEndian(_ value: UInt64) {
    appendBigEndian(UInt32(truncatingIfNeeded: value >> 32))
    appendBigEndian(UInt32(truncatingIfNeeded: value))
  }

  mutating func pad(to alignment: Int) {
    while count % alignment != 0 { append(0) }
  }
}

/// `value` in lower-case hexadecimal, without leading zeroes.
private func hexadecimal(_ value: UInt64) -> [UInt8] {
  var digits: [UInt8] = []
  var rest = value
  repeat {
    let digit = UInt8(truncatingIfNeeded: rest & 0xf)
    digits.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    rest >>= 4
  } while rest != 0
  digits.reverse()
  return digits
}
