import DeviceTree
import Foundation

extension SystemBundle {
  /// The manifest as device tree source.
  public func deviceTreeSource() throws(ReadError) -> String {
    do {
      // SAFETY: the bytes stay until the closure returns, and nothing read from them leaves it.
      return try data.withUnsafeBytes { bytes in DeviceTreeText.source(try unsafe FlattenedDeviceTree(bytes)) }
    } catch {
      throw ReadError(description: "this is no bundle: \(error)")
    }
  }
}

/// Writes a device tree as its compiler's source (Devicetree Specification v0.4, chapter 6).
enum DeviceTreeText {
  static func source(_ tree: FlattenedDeviceTree) -> String {
    var lines = ["/dts-v1/;", ""]
    lines += tree.memoryReservations.map {
      "/memreserve/ \(hexadecimal($0.address)) \(hexadecimal($0.byteCount));"
    }
    lines += self.lines(tree.root, indent: "")
    return lines.map { $0 + "\n" }.joined()
  }

  private static func lines(_ node: DeviceTreeNode, indent: String) -> [String] {
    let name = node.depth == 0 ? "/" : String(decoding: node.name, as: UTF8.self)
    var lines = ["\(indent)\(name) {"]
    lines += node.properties.map { "\(indent)\t\(text($0));" }
    for child in node.children { lines += [""] + self.lines(child, indent: indent + "\t") }
    return lines + ["\(indent)};"]
  }

  private static func text(_ property: DeviceTreeProperty) -> String {
    let name = String(decoding: property.name, as: UTF8.self)
    if property.value.isEmpty { return name }
    if let strings = strings(property) { return "\(name) = \(strings)" }
    if property.value.count % 4 == 0 {
      let cells = (0..<property.cellCount).compactMap { property.cell($0) }.map { hexadecimal(UInt64($0)) }
      return "\(name) = <\(cells.joined(separator: " "))>"
    }
    let bytes = property.value.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
    return "\(name) = [\(bytes.joined(separator: " "))]"
  }

  /// The value as texts in quotes, if it can be read so: printable, each with its end and none empty but a lone one.
  private static func strings(_ property: DeviceTreeProperty) -> String? {
    let value = property.value
    guard value.last == 0, value.allSatisfy({ $0 == 0 || (32...126).contains($0) }) else { return nil }
    let texts = property.strings.map { String(decoding: $0, as: UTF8.self) }
    guard texts.count == 1 && value.count == 1 || texts.allSatisfy({ !$0.isEmpty }) else { return nil }
    return texts.map { text in
      "\"" + text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"") + "\""
    }.joined(separator: ", ")
  }
}
