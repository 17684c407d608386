/// Reads TOML 1.0 into values with their places, and goes on after a mistake, so that one run tells all of them.
///
/// Documentation/Decisions/0001-reading-toml.md says why this is our own. The tests hold it to TOMLKit.
struct TOMLReader {
  let file: SourceFile
  let bytes: [UInt8]
  var position = 0
  /// Lists that have begun in this statement and not ended.
  var openLists = 0
  private let findings: Findings

  private init(_ file: SourceFile, _ findings: Findings) {
    self.file = file
    self.bytes = file.bytes
    self.findings = findings
  }

  /// The whole file as a table. What cannot be read is reported; the keys of such lines have unreadable values.
  static func read(_ file: SourceFile, _ findings: Findings) -> ConfigurationItem? {
    if let zero = file.bytes.firstIndex(of: 0) {
      findings.report(
        SourcePlace(file, zero..<zero + 1), "a byte of zero cannot stand in a TOML file",
        advice: "the file is text; was another file meant?")
      return nil
    }
    guard String(bytes: file.bytes, encoding: .utf8) != nil else {
      findings.report(SourcePlace(file, nil), "the file is not UTF-8", advice: "TOML files are UTF-8 text")
      return nil
    }
    var reader = TOMLReader(file, findings)
    return reader.document()
  }

  // MARK: Lines

  private mutating func document() -> ConfigurationItem {
    let root = TOMLTableNode(.header, at: SourcePlace(file, 0..<0))
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { position = 3 }
    var table = root
    while true {
      skipBlank()
      guard position < bytes.count else { return root.item }
      openLists = 0
      let isHeader = peek == UInt8(ascii: "[")
      do throws(Finding) {
        if isHeader {
          table = try header(below: root)
        } else {
          try keyAndValue(into: table)
        }
        try endLine()
      } catch {
        findings.report(error)
        // What follows a header that is not understood belongs to no table that is known.
        if isHeader { table = TOMLTableNode(.header, at: error.place) }
        skipToNextStatement()
      }
    }
  }

  /// Nothing but spaces and a comment may follow in the line.
  private mutating func endLine() throws(Finding) {
    skipSpaces()
    if peek == UInt8(ascii: "#") { try skipComment() }
    if peek == UInt8(ascii: "\r"), position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "\n") { return }
    guard let byte = peek, byte != UInt8(ascii: "\n") else { return }
    throw mistake(restOfLine, "nothing but a comment may follow here", advice: "a line for each key")
  }

  /// Goes to the next line; out of a broken list, to the next one that looks like a key with a value or like a header.
  private mutating func skipToNextStatement() {
    if openLists > 0 && isAtStatement { return }
    repeat {
      while let byte = peek, byte != UInt8(ascii: "\n") {
        _ = byte
        position += 1
      }
      position = min(position + 1, bytes.count)
    } while position < bytes.count && openLists > 0 && !isAtStatement
  }

  /// Whether only blanks stand before this in the line, and here begins what looks like `key =` or `[table]`.
  var isAtStatement: Bool {
    let before = bytes[..<position].reversed().prefix { $0 != UInt8(ascii: "\n") }
    let line = bytes[position...].prefix { $0 != UInt8(ascii: "\n") }.drop { $0 == UInt8(ascii: " ") }
    guard before.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }), let first = line.first else {
      return false
    }
    if first == UInt8(ascii: "[") {
      let name = line.drop { $0 == UInt8(ascii: "[") }.prefix(while: Self.isBareKey)
      let isValue = ["true", "false", "inf", "nan"].contains { name.elementsEqual($0.utf8) }
      return !isValue && name.first.map(Self.isLetter) ?? false
    }
    let afterKey = line.drop(while: Self.isBareKey).drop { $0 == UInt8(ascii: " ") }
    return Self.isBareKey(first) && afterKey.first == UInt8(ascii: "=")
  }

  // MARK: Tables

  /// `[a.b]` or `[[a.b]]`: the table that the following lines belong to.
  private mutating func header(below root: TOMLTableNode) throws(Finding) -> TOMLTableNode {
    let start = position
    position += 1
    let isArray = peek == UInt8(ascii: "[")
    if isArray { position += 1 }
    let path = try key()
    skipSpaces()
    let brackets = isArray ? "]]" : "]"
    let isClosed = bytes[position...].starts(with: brackets.utf8)
    if isClosed { position += brackets.utf8.count }
    let place = self.place(start..<position)
    let table = try enter(path, isArray: isArray, place, below: root)
    if !isClosed {
      // The lines below are read as the table's all the same.
      findings.report(place, "the table's name does not end with \(brackets)", advice: "\(place.string)\(brackets)")
    }
    return table
  }

  private func enter(
    _ path: [Step], isArray: Bool, _ place: SourcePlace, below root: TOMLTableNode
  ) throws(Finding) -> TOMLTableNode {
    var parent = root
    for step in path.dropLast() {
      switch parent.entry(step.name)?.value {
      case nil:
        let table = TOMLTableNode(.implied, at: step.place)
        parent.add(step.name, at: step.place, .table(table))
        parent = table
      case .table(let table): parent = table
      case .tables(let tables, _): parent = tables[tables.count - 1]
      case .item(let item): throw repeated(step, item.place)
      }
    }
    guard let last = path.last else { return root }
    let table = TOMLTableNode(.header, at: place)
    switch parent.entry(last.name)?.value {
    case nil: parent.add(last.name, at: last.place, isArray ? .tables([table], place) : .table(table))
    case .tables where isArray: parent.append(table, to: last.name)
    case .table(let known) where !isArray && known.origin == .implied:
      known.origin = .header
      known.place = place
      return known
    case .table(let known): throw repeated(Step(name: last.name, place: place), known.place)
    case .tables(_, let first): throw repeated(Step(name: last.name, place: place), first)
    case .item(let item): throw repeated(Step(name: last.name, place: place), item.place)
    }
    return table
  }

  /// `a.b = value`. A key whose value cannot be read is there all the same.
  mutating func keyAndValue(into table: TOMLTableNode) throws(Finding) {
    let path = try key()
    guard let last = path.last else { return }
    var parent = table
    for step in path.dropLast() {
      switch parent.entry(step.name)?.value {
      case nil:
        let inner = TOMLTableNode(.dottedKey, at: step.place)
        parent.add(step.name, at: step.place, .table(inner))
        parent = inner
      case .table(let inner) where inner.origin == .dottedKey: parent = inner
      case .table(let inner): throw repeated(step, inner.place)
      case .tables(_, let place): throw repeated(step, place)
      case .item(let item): throw repeated(step, item.place)
      }
    }
    if let known = parent.entry(last.name) { throw repeated(last, known.keyPlace) }
    do throws(Finding) {
      skipSpaces()
      guard peek == UInt8(ascii: "=") else {
        throw mistake(restOfLine, "a key is followed by `=` and its value", advice: "\(last.name) = …")
      }
      position += 1
      skipSpaces()
      parent.add(last.name, at: last.place, .item(try value(depth: 0)))
    } catch {
      parent.add(last.name, at: last.place, .item(ConfigurationItem(content: .unreadable, place: last.place)))
      throw error
    }
  }

  // MARK: Keys

  struct Step {
    let name: String
    let place: SourcePlace
  }

  /// A dotted key.
  private mutating func key() throws(Finding) -> [Step] {
    var path: [Step] = []
    while true {
      skipSpaces()
      let start = position
      if peek == UInt8(ascii: "\"") || peek == UInt8(ascii: "'") {
        let name = try string(isKey: true)
        path.append(Step(name: name, place: place(start..<position)))
      } else {
        while let byte = peek, Self.isBareKey(byte) { position += 1 }
        guard position > start else {
          throw mistake(
            restOfLine, "a key is missing here", advice: "letters (a to z), digits, '-' and '_', or a text in quotes")
        }
        path.append(Step(name: text(start..<position), place: place(start..<position)))
      }
      skipSpaces()
      guard peek == UInt8(ascii: ".") else { return path }
      position += 1
    }
  }

  private func repeated(_ step: Step, _ first: SourcePlace) -> Finding {
    Finding(
      step.place, "`\(step.name)` is in the file twice", advice: "one of the two",
      related: [.init(label: "the first time", place: first)])
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  private static func isBareKey(_ byte: UInt8) -> Bool {
    isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
  }

  static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  // MARK: Bytes

  var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  func place(_ range: Range<Int>) -> SourcePlace { SourcePlace(file, range) }

  /// From here to the end of the line, without a line end; at least an empty place.
  var restOfLine: SourcePlace {
    let end = bytes[position...].firstIndex { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") } ?? bytes.count
    return place(position..<end)
  }

  func mistake(_ place: SourcePlace, _ message: String, advice: String) -> Finding {
    Finding(place, message, advice: advice)
  }

  mutating func skipSpaces() {
    while peek == UInt8(ascii: " ") || peek == UInt8(ascii: "\t") { position += 1 }
  }

  mutating func skipComment() throws(Finding) {
    while let byte = peek, byte != UInt8(ascii: "\n") {
      let endsLine =
        byte == UInt8(ascii: "\r") && position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "\n")
      if endsLine { return }
      guard byte >= 0x20 && byte != 0x7f || byte == UInt8(ascii: "\t") else {
        throw mistake(place(position..<position + 1), "a comment cannot hold this byte", advice: "printable text")
      }
      position += 1
    }
  }

  /// Goes past spaces, line ends and comments; a comment's bad bytes are reported.
  mutating func skipBlank() {
    while let byte = peek {
      if byte == UInt8(ascii: "#") {
        do throws(Finding) { try skipComment() } catch {
          findings.report(error)
          position += 1
        }
      } else if " \t\n".utf8.contains(byte)
        || byte == UInt8(ascii: "\r") && position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "\n")
      {
        position += 1
      } else {
        return
      }
    }
  }
}
