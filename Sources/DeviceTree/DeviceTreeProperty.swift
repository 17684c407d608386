/// A property of a node, and the ways to read its value (Devicetree Specification v0.4, 2.2.4).
public struct DeviceTreeProperty {
  public let name: DeviceTreeBytes
  public let value: DeviceTreeBytes

  /// How many whole 32-bit cells the value has.
  public var cellCount: Int { value.count / 4 }

  /// The cell with that index, counted from 0; nil past the last whole one.
  public func cell(_ index: Int) -> UInt32? {
    guard index >= 0, index < cellCount else { return nil }
    return value.word(at: index * 4)
  }

  /// The value, if it is exactly one cell.
  public var u32: UInt32? { value.count == 4 ? value.word(at: 0) : nil }

  /// The value, if it is exactly two cells.
  public var u64: UInt64? { value.count == 8 ? value.doubleword(at: 0) : nil }

  /// The number in `count` cells from the one with that index: 0 for no cells, nil for more than two or past the end.
  public func number(at index: Int, cells count: Int) -> UInt64? {
    switch count {
    case 0: 0
    case 1: cell(index).map { UInt64($0) }
    case 2 where index >= 0 && index < cellCount: value.doubleword(at: index * 4)
    default: nil
    }
  }

  /// The first string of the value; nil where no zero ends it.
  public var string: DeviceTreeBytes? {
    var strings = strings
    return strings.next()
  }

  /// The strings of the value; what no zero ends is left out.
  public var strings: Strings { Strings(value: value) }

  /// Whether one of the value's strings is `text`.
  public func contains(_ text: StaticString) -> Bool {
    for string in strings where string == text { return true }
    return false
  }

  public struct Strings: Sequence, IteratorProtocol {
    let value: DeviceTreeBytes
    var offset = 0

    public mutating func next() -> DeviceTreeBytes? {
      guard let end = value.firstIndex(of: 0, from: offset), let string = value.slice(offset..<end) else { return nil }
      offset = end + 1
      return string
    }
  }
}
