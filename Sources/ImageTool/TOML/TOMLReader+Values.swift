extension TOMLReader {
  /// How deep lists and inline tables may lie in each other.
  private static let maximumDepth = 32

  /// The value that begins here.
  mutating func value(depth: Int) throws(Finding) -> ConfigurationItem {
    let start = position
    guard depth < Self.maximumDepth else {
      throw mistake(restOfLine, "lists lie too deep in each other", advice: "at most \(Self.maximumDepth)")
    }
    let content: ConfigurationItem.Content
    switch peek {
    case UInt8(ascii: "["): content = .array(try array(depth: depth))
    case UInt8(ascii: "{"): content = .table(try inlineTable(depth: depth))
    case UInt8(ascii: "\""), UInt8(ascii: "'"): content = .string(try string(isKey: false))
    default: return try scalar()
    }
    return ConfigurationItem(content: content, place: place(start..<position))
  }

  private mutating func array(depth: Int) throws(Finding) -> [ConfigurationItem] {
    let start = position
    position += 1
    openLists += 1
    var items: [ConfigurationItem] = []
    func unended() -> Finding {
      mistake(place(start..<start + 1), "the list has no end", advice: "`]` after its last value")
    }
    while true {
      skipBlank()
      if peek == UInt8(ascii: "]") { break }
      guard peek != nil, !isAtStatement else { throw unended() }
      items.append(try value(depth: depth + 1))
      skipBlank()
      if peek == UInt8(ascii: "]") { break }
      guard peek != nil, !isAtStatement else { throw unended() }
      guard peek == UInt8(ascii: ",") else {
        throw mistake(
          restOfLine, "the list goes on without a comma, or lacks its end", advice: "`,` or `]` before this")
      }
      position += 1
    }
    position += 1
    openLists -= 1
    return items
  }

  private mutating func inlineTable(depth: Int) throws(Finding) -> [ConfigurationEntry] {
    let start = position
    position += 1
    let table = TOMLTableNode(.header, at: place(start..<position))
    skipSpaces()
    if peek == UInt8(ascii: "}") {
      position += 1
      return []
    }
    while true {
      try keyAndValue(into: table)
      skipSpaces()
      guard peek == UInt8(ascii: ",") || peek == UInt8(ascii: "}") else {
        throw mistake(
          restOfLine, "the table in braces goes on without a comma, or lacks its end", advice: "`,` or `}`, in one line"
        )
      }
      position += 1
      if bytes[position - 1] == UInt8(ascii: "}") { break }
    }
    guard case .table(let entries) = table.item.content else { return [] }
    return entries
  }

  // MARK: Numbers, words, dates

  private mutating func scalar() throws(Finding) -> ConfigurationItem {
    let start = position
    var end = position
    while let byte = peek, !",]}#\r\n".utf8.contains(byte) {
      position += 1
      if byte != UInt8(ascii: " ") && byte != UInt8(ascii: "\t") { end = position }
    }
    position = end
    let text = text(start..<end)
    guard !text.isEmpty else {
      throw mistake(restOfLine, "a value is missing here", advice: "a number, true or false, or a text in quotes")
    }
    guard let content = Self.content(of: text) else {
      // Only the first word: the rest may be a mistake of its own.
      let word = text.prefix { $0 != " " && $0 != "\t" }
      throw mistake(
        place(start..<start + (Self.isNumeric(text) ? text : String(word)).utf8.count),
        Self.isNumeric(text) ? "this is no number that fits" : "this is no value",
        advice: Self.isNumeric(text)
          ? "a whole number of at most 63 bits" : "a number, true or false, or a text in quotes: \"\(text)\"")
    }
    return ConfigurationItem(content: content, place: place(start..<end))
  }

  private static func isNumeric(_ text: String) -> Bool {
    text.drop { $0 == "+" || $0 == "-" }.first?.isNumber ?? false && !text.contains(" ")
  }

  static func content(of text: String) -> ConfigurationItem.Content? {
    switch text {
    case "true": return .boolean(true)
    case "false": return .boolean(false)
    default: break
    }
    if let integer = integer(text) { return .integer(integer) }
    if let number = number(text) { return .number(number) }
    return isDate(text) ? .date : nil
  }

  private static func integer(_ text: String) -> Int? {
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where text.hasPrefix(prefix) {
      return digits(text.dropFirst(2), radix: radix).flatMap { Int($0, radix: radix) }
    }
    let sign = text.first == "+" || text.first == "-" ? text.prefix(1) : ""
    let rest = text.dropFirst(sign.count)
    guard let digits = digits(rest, radix: 10), digits.count == 1 || digits.first != "0" else { return nil }
    return Int(sign + digits)
  }

  /// The digits without the underscores, each of which stands between two digits.
  private static func digits(_ text: Substring, radix: Int) -> String? {
    let parts = text.split(separator: "_", omittingEmptySubsequences: false)
    let isGood = parts.allSatisfy { part in
      !part.isEmpty && part.allSatisfy { $0.isASCII && ($0.hexDigitValue ?? 16) < radix }
    }
    return isGood ? parts.joined() : nil
  }

  private static func number(_ text: String) -> Double? {
    let sign = text.first == "+" || text.first == "-" ? text.prefix(1) : ""
    let rest = text.dropFirst(sign.count)
    if rest == "inf" || rest == "nan" { return Double(sign + rest) }
    let parts = rest.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
    let mantissa = parts[0].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = digits(mantissa[0], radix: 10), whole.count == 1 || whole.first != "0" else { return nil }
    guard mantissa.count == 2 || parts.count == 2 else { return nil }
    var result = sign + whole
    if mantissa.count == 2 {
      guard let fraction = digits(mantissa[1], radix: 10) else { return nil }
      result += "." + fraction
    }
    if parts.count == 2 {
      let exponentSign = parts[1].first == "+" || parts[1].first == "-" ? parts[1].prefix(1) : ""
      guard let exponent = digits(parts[1].dropFirst(exponentSign.count), radix: 10) else { return nil }
      result += "e" + exponentSign + exponent
    }
    return Double(result)
  }

  /// Whether the text is a date, a time, or both; no key of ours takes one, so the value is not needed.
  private static func isDate(_ text: String) -> Bool {
    func number(_ range: ClosedRange<Int>, _ text: Substring, digits: Int) -> Bool {
      text.count == digits && text.utf8.allSatisfy(isDigit) && Int(text).map(range.contains) ?? false
    }
    func isDay(_ text: Substring) -> Bool {
      let parts = text.split(separator: "-", omittingEmptySubsequences: false)
      guard parts.count == 3, number(0...9999, parts[0], digits: 4), number(1...12, parts[1], digits: 2),
        let year = Int(parts[0]), let month = Int(parts[1])
      else { return false }
      let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
      return number(1...days[month - 1], parts[2], digits: 2)
    }
    func isTime(_ text: Substring) -> Bool {
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 3, number(0...23, parts[0], digits: 2), number(0...59, parts[1], digits: 2) else {
        return false
      }
      let seconds = parts[2].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
      let hasFraction = seconds.count == 2
      return number(0...59, seconds[0], digits: 2)
        && (!hasFraction || !seconds[1].isEmpty && seconds[1].utf8.allSatisfy(isDigit))
    }
    func isZoned(_ text: Substring) -> Bool {
      if let last = text.last, last == "Z" || last == "z" { return isTime(text.dropLast()) }
      guard text.count > 6, let sign = text.dropLast(5).last, sign == "+" || sign == "-" else { return isTime(text) }
      let offset = text.suffix(5).split(separator: ":", omittingEmptySubsequences: false)
      return offset.count == 2 && number(0...23, offset[0], digits: 2) && number(0...59, offset[1], digits: 2)
        && isTime(text.dropLast(6))
    }
    guard text.count > 10 else { return isDay(text[...]) || isTime(text[...]) }
    let separator = text.dropFirst(10).first
    let isSeparated = separator == "T" || separator == "t" || separator == " "
    return isTime(text[...]) || isSeparated && isDay(text.prefix(10)) && isZoned(text.dropFirst(11))
  }

  // MARK: Texts

  /// The content of a string of any of the four kinds; a key has only the two of one line.
  mutating func string(isKey: Bool) throws(Finding) -> String {
    let start = position
    guard let quote = peek else { return "" }
    let isBasic = quote == UInt8(ascii: "\"")
    let triple = [quote, quote, quote]
    let isLong = !isKey && bytes[position...].starts(with: triple)
    position += isLong ? 3 : 1
    if isLong {
      // A line end right after the quotes is not part of the text.
      if bytes[position...].starts(with: [0x0d, 0x0a]) { position += 2 } else if peek == 0x0a { position += 1 }
    }
    var content: [UInt8] = []
    while true {
      guard let byte = peek else { throw unended(start) }
      if isLong ? bytes[position...].starts(with: triple) : byte == quote { break }
      if byte == UInt8(ascii: "\\") && isBasic {
        try escape(into: &content, isLong: isLong)
        continue
      }
      let endsLine = byte == 0x0a || byte == 0x0d && bytes[position...].starts(with: [0x0d, 0x0a])
      if endsLine && !isLong { throw unended(start) }
      guard endsLine || byte == 0x09 || byte >= 0x20 && byte != 0x7f else {
        throw mistake(
          place(position..<position + 1), "a text cannot hold this byte",
          advice: "an escape such as \\u001b, in double quotes")
      }
      content.append(byte)
      position += 1
      if byte == 0x0d {
        content.append(0x0a)
        position += 1
      }
    }
    position += isLong ? 3 : 1
    // Up to two quotes may stand right before the three that end a long text.
    var extra = 0
    while isLong, extra < 2, peek == quote {
      content.append(quote)
      position += 1
      extra += 1
    }
    return String(decoding: content, as: UTF8.self)
  }

  private func unended(_ start: Int) -> Finding {
    let end = bytes[start...].firstIndex { $0 == 0x0a || $0 == 0x0d } ?? bytes.count
    return mistake(place(start..<end), "the text has no end", advice: "the same quotes after it as before it")
  }

  /// A backslash and what follows (TOML 1.0, String).
  private mutating func escape(into content: inout [UInt8], isLong: Bool) throws(Finding) {
    let start = position
    position += 1
    let kind = peek ?? 0
    position = min(position + 1, bytes.count)
    switch kind {
    case UInt8(ascii: "b"): content.append(0x08)
    case UInt8(ascii: "t"): content.append(0x09)
    case UInt8(ascii: "n"): content.append(0x0a)
    case UInt8(ascii: "f"): content.append(0x0c)
    case UInt8(ascii: "r"): content.append(0x0d)
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): content.append(kind)
    case UInt8(ascii: "u"), UInt8(ascii: "U"):
      let count = kind == UInt8(ascii: "u") ? 4 : 8
      let digits = bytes[position...].prefix(count)
      let isHexadecimal = digits.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
      guard digits.count == count, isHexadecimal,
        let scalar = UInt32(String(decoding: digits, as: UTF8.self), radix: 16).flatMap({ Unicode.Scalar($0) })
      else { throw badEscape(start) }
      content += Array(String(Character(scalar)).utf8)
      position += count
    case 0x20, 0x09, 0x0a,
      0x0d where isLong:
      // A backslash at the end of a line takes the blanks up to the next text away.
      position -= 1
      skipSpaces()
      guard peek == 0x0a || bytes[position...].starts(with: [0x0d, 0x0a]) else { throw badEscape(start) }
      while let byte = peek, " \t\r\n".utf8.contains(byte) { position += 1 }
    default: throw badEscape(start)
    }
  }

  private func badEscape(_ start: Int) -> Finding {
    mistake(
      place(start..<min(start + 2, bytes.count)), "this is no escape",
      advice:
        "\\\\ for a backslash, or the text in single quotes; others are \\b \\t \\n \\f \\r \\\" \\uXXXX \\UXXXXXXXX")
  }
}
