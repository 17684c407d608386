/// The shape of a TOML text and where each part of it stands, without the values.
final class TOMLOutline {
  enum Kind {
    case table
    case array
    case scalar
  }

  struct Entry {
    let key: String
    let keyPlace: Range<Int>
    let value: TOMLOutline
  }

  let kind: Kind
  /// A scalar's, array's or inline table's text, or a table's header. Empty for tables that only other headers imply.
  fileprivate(set) var place: Range<Int>
  /// A table's keys in the order of the text.
  fileprivate(set) var entries: [Entry] = []
  /// An array's elements.
  fileprivate(set) var items: [TOMLOutline] = []

  init(_ kind: Kind, at place: Range<Int>) {
    self.kind = kind
    self.place = place
  }

  func entry(_ key: String) -> Entry? { entries.first { $0.key == key } }
}

/// Finds where the keys and values of a TOML 1.0 text stand.
///
/// The text is taken to be valid, because TOMLKit, which gives the values, has read it before; on any other bytes the
/// outline is meaningless, but the scanner still ends.
struct TOMLScanner {
  private let bytes: [UInt8]
  private var position = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  static func outline(of bytes: [UInt8]) -> TOMLOutline {
    var scanner = TOMLScanner(bytes)
    return scanner.document()
  }

  // MARK: Lines

  private mutating func document() -> TOMLOutline {
    let root = TOMLOutline(.table, at: 0..<0)
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { position = 3 }
    var table = root
    while true {
      skipBlank()
      guard position < bytes.count else { return root }
      if peek == UInt8(ascii: "[") {
        table = header(below: root)
      } else {
        keyAndValue(into: table)
      }
      while position < bytes.count, peek != UInt8(ascii: "\n") { position += 1 }
    }
  }

  /// `[a.b]` or `[[a.b]]`: the table that the following lines belong to.
  private mutating func header(below root: TOMLOutline) -> TOMLOutline {
    let start = position
    position += 1
    let isArray = peek == UInt8(ascii: "[")
    if isArray { position += 1 }
    let path = key()
    skipSpaces()
    if peek == UInt8(ascii: "]") { position += 1 }
    if isArray, peek == UInt8(ascii: "]") { position += 1 }
    let place = start..<position

    guard let last = path.last else { return root }
    let parent = path.dropLast().reduce(root) { descend(from: $0, to: $1) }
    guard isArray else {
      let table = descend(from: parent, to: last)
      table.place = place
      return table
    }
    let array = parent.entry(last.name)?.value ?? add(TOMLOutline(.array, at: place), as: last, to: parent)
    let table = TOMLOutline(.table, at: place)
    array.items.append(table)
    return table
  }

  private mutating func keyAndValue(into table: TOMLOutline) {
    let path = key()
    skipSpaces()
    guard let last = path.last, peek == UInt8(ascii: "=") else {
      position += 1
      return
    }
    position += 1
    skipSpaces()
    let parent = path.dropLast().reduce(table) { descend(from: $0, to: $1) }
    let value = value()
    _ = add(value, as: last, to: parent)
  }

  /// The table below `table` with that key; of an array of tables the last one; made where it is not there yet.
  private func descend(from table: TOMLOutline, to step: Step) -> TOMLOutline {
    guard let found = table.entry(step.name)?.value else {
      return add(TOMLOutline(.table, at: step.place), as: step, to: table)
    }
    return found.kind == .array ? found.items.last ?? found : found
  }

  private func add(_ value: TOMLOutline, as step: Step, to table: TOMLOutline) -> TOMLOutline {
    table.entries.append(TOMLOutline.Entry(key: step.name, keyPlace: step.place, value: value))
    return value
  }

  // MARK: Keys

  private struct Step {
    let name: String
    let place: Range<Int>
  }

  /// A dotted key.
  private mutating func key() -> [Step] {
    var path: [Step] = []
    while true {
      skipSpaces()
      let start = position
      if peek == UInt8(ascii: "\"") || peek == UInt8(ascii: "'") {
        let isBasic = peek == UInt8(ascii: "\"")
        skipString()
        let content = bytes[min(start + 1, position)..<max(position - 1, min(start + 1, position))]
        path.append(Step(name: isBasic ? Self.unescaped(content) : text(content), place: start..<position))
      } else {
        while let byte = peek, Self.isBareKey(byte) { position += 1 }
        guard position > start else { return path }
        path.append(Step(name: text(bytes[start..<position]), place: start..<position))
      }
      skipSpaces()
      guard peek == UInt8(ascii: ".") else { return path }
      position += 1
    }
  }

  private static func isBareKey(_ byte: UInt8) -> Bool { !" \t\r\n.=[]{},#\"'".utf8.contains(byte) }

  private func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

  /// The content of a basic string with its escapes resolved (TOML 1.0, String).
  static func unescaped(_ bytes: ArraySlice<UInt8>) -> String {
    var result: [UInt8] = []
    var rest = bytes
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\"), let kind = rest.popFirst() else {
        result.append(byte)
        continue
      }
      switch kind {
      case UInt8(ascii: "b"): result.append(0x08)
      case UInt8(ascii: "t"): result.append(0x09)
      case UInt8(ascii: "n"): result.append(0x0a)
      case UInt8(ascii: "f"): result.append(0x0c)
      case UInt8(ascii: "r"): result.append(0x0d)
      case UInt8(ascii: "u"), UInt8(ascii: "U"):
        let digits = rest.prefix(kind == UInt8(ascii: "u") ? 4 : 8)
        rest = rest.dropFirst(digits.count)
        let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        let scalar = value.flatMap { Unicode.Scalar($0) } ?? "\u{fffd}"
        result += Array(String(Character(scalar)).utf8)
      default: result.append(kind)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  // MARK: Values

  private mutating func value() -> TOMLOutline {
    switch peek {
    case UInt8(ascii: "["): return array()
    case UInt8(ascii: "{"): return inlineTable()
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      let start = position
      skipString()
      return TOMLOutline(.scalar, at: start..<position)
    default:
      let start = position
      var end = position
      while let byte = peek, !",]}#\r\n".utf8.contains(byte) {
        position += 1
        if byte != UInt8(ascii: " ") && byte != UInt8(ascii: "\t") { end = position }
      }
      return TOMLOutline(.scalar, at: start..<end)
    }
  }

  private mutating func array() -> TOMLOutline {
    let array = TOMLOutline(.array, at: position..<position)
    let start = position
    position += 1
    while true {
      skipBlank()
      guard let byte = peek else { break }
      if byte == UInt8(ascii: "]") {
        position += 1
        break
      }
      if byte == UInt8(ascii: ",") {
        position += 1
        continue
      }
      let before = position
      array.items.append(value())
      if position == before { position += 1 }
    }
    array.place = start..<position
    return array
  }

  private mutating func inlineTable() -> TOMLOutline {
    let table = TOMLOutline(.table, at: position..<position)
    let start = position
    position += 1
    while true {
      skipBlank()
      guard let byte = peek else { break }
      if byte == UInt8(ascii: "}") {
        position += 1
        break
      }
      if byte == UInt8(ascii: ",") {
        position += 1
        continue
      }
      keyAndValue(into: table)
    }
    table.place = start..<position
    return table
  }

  /// Goes past a string of any of the four kinds.
  private mutating func skipString() {
    guard let quote = peek else { return }
    let isLiteral = quote == UInt8(ascii: "'")
    guard bytes[position...].starts(with: [quote, quote, quote]) else {
      position += 1
      while let byte = peek, byte != quote, byte != UInt8(ascii: "\n") {
        position += !isLiteral && byte == UInt8(ascii: "\\") ? 2 : 1
      }
      position = min(position + 1, bytes.count)
      return
    }
    position += 3
    while position < bytes.count, !bytes[position...].starts(with: [quote, quote, quote]) {
      position += !isLiteral && peek == UInt8(ascii: "\\") ? 2 : 1
    }
    position = min(position + 3, bytes.count)
    // Up to two quotes may stand right before the three that end it.
    for _ in 0..<2 where peek == quote { position += 1 }
  }

  // MARK: Bytes

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpaces() {
    while peek == UInt8(ascii: " ") || peek == UInt8(ascii: "\t") { position += 1 }
  }

  /// Goes past spaces, line ends and comments.
  private mutating func skipBlank() {
    while let byte = peek {
      if byte == UInt8(ascii: "#") {
        while let byte = peek, byte != UInt8(ascii: "\n") {
          _ = byte
          position += 1
        }
      } else if " \t\r\n".utf8.contains(byte) {
        position += 1
      } else {
        return
      }
    }
  }
}
