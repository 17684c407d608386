import Manifest

/// A value and where it stands.
struct Located<Value> {
  let value: Value
  let place: SourcePlace

  func map<Other>(_ transform: (Value) -> Other) -> Located<Other> {
    Located<Other>(value: transform(value), place: place)
  }
}

extension Located: Sendable where Value: Sendable {}

/// Reads one table by its schema. Every mistake is reported and read as if the key were not there.
struct TableReader {
  let schema: Schema
  /// The table's header or braces; the file's beginning for the whole file.
  let place: SourcePlace
  private let entries: [ConfigurationEntry]
  private let findings: Findings

  /// Nil, with a finding, where the value is no table. Keys that the schema does not have, and required ones that are
  /// missing, are reported here.
  init?(_ item: ConfigurationItem, _ schema: Schema, _ findings: Findings) {
    guard case .table(let entries) = item.content else {
      findings.report(
        item.place, "\(schema.title) is a table, and this is \(item.kind)",
        advice: schema.names.contains("path")
          ? "\(schema.title) and below it path = \"…\""
          : "a table with the keys "
            + schema.names.joined(separator: ", "))
      return nil
    }
    self.schema = schema
    self.place = item.place
    self.entries = entries
    self.findings = findings
    for entry in entries where !schema.names.contains(entry.key) {
      let meant = nearest(to: entry.key, among: schema.names)
      findings.report(
        entry.keyPlace, "\(schema.title) has no key `\(entry.key)`",
        advice: meant.map { "`\($0)`?" } ?? "the keys are " + schema.names.joined(separator: ", "))
    }
    for key in schema.keys where key.isRequired && entry(key.name) == nil {
      // Where a key was misspelt, the finding about it says enough.
      let isMisspelt = entries.contains {
        !schema.names.contains($0.key) && nearest(to: $0.key, among: schema.names) == key.name
      }
      if !isMisspelt {
        findings.report(place, "\(schema.title) lacks `\(key.name)`", advice: Self.example(of: key.name))
      }
    }
  }

  private static func example(of key: String) -> String {
    switch key {
    case "vms": "vms = [\"linux.toml\"]"
    case "name": "name = \"linux\""
    case "memory", "size": "\(key) = \"256MiB\""
    case "cpus": "cpus = 4"
    case "kind": "kind = \"uart\""
    case "address": "address = 0x4800_0000"
    default: "\(key) = \"…\""
    }
  }

  private func entry(_ key: String) -> ConfigurationEntry? { entries.first { $0.key == key } }

  /// Nil also where the value could not be read at all, which was reported.
  func item(_ key: String) -> ConfigurationItem? {
    guard let item = entry(key)?.value else { return nil }
    if case .unreadable = item.content { return nil }
    return item
  }

  /// Where the key stands; nil where it does not.
  func keyPlace(_ key: String) -> SourcePlace? { entry(key)?.keyPlace }

  // MARK: Kinds of values

  func string(_ key: String) -> Located<String>? { item(key).flatMap { string($0, key: key) } }

  private func string(_ item: ConfigurationItem, key: String) -> Located<String>? {
    guard case .string(let text) = item.content else {
      return wrongKind(item, key, wanted: "a text in quotes", advice: "\(key) = \"…\"")
    }
    guard !text.utf8.contains(0) else {
      findings.report(item.place, "`\(key)` holds a zero", advice: "a text without \\u0000")
      return nil
    }
    return Located(value: text, place: item.place)
  }

  func boolean(_ key: String) -> Located<Bool>? {
    guard let item = item(key) else { return nil }
    guard case .boolean(let value) = item.content else {
      return wrongKind(item, key, wanted: "true or false", advice: "\(key) = true, without quotes")
    }
    return Located(value: value, place: item.place)
  }

  func integer(_ key: String, in range: ClosedRange<Int>) -> Located<Int>? {
    item(key).flatMap { integer($0, key: key, in: range) }
  }

  private func integer(_ item: ConfigurationItem, key: String, in range: ClosedRange<Int>) -> Located<Int>? {
    let wanted = "a whole number from \(range.lowerBound) to \(range.upperBound)"
    guard case .integer(let value) = item.content else {
      return wrongKind(item, key, wanted: wanted, advice: "\(key) = \(range.lowerBound)")
    }
    guard range.contains(value) else {
      findings.report(item.place, "`\(key)` is \(value)", advice: wanted)
      return nil
    }
    return Located(value: value, place: item.place)
  }

  func address(_ key: String) -> Located<UInt64>? {
    guard let item = item(key) else { return nil }
    guard case .integer(let value) = item.content else {
      return wrongKind(item, key, wanted: "an address", advice: "\(key) = 0x4800_0000, without quotes")
    }
    guard let address = UInt64(exactly: value) else {
      findings.report(item.place, "`\(key)` is negative", advice: "an address, such as 0x4800_0000")
      return nil
    }
    return Located(value: address, place: item.place)
  }

  func size(_ key: String) -> Located<UInt64>? {
    guard let item = item(key) else { return nil }
    guard case .string(let text) = item.content else {
      let advice: String
      if case .integer(let value) = item.content, value > 0 {
        advice = "\(key) = \"\(value)MiB\" or another unit"
      } else {
        advice = "\(key) = \"256MiB\""
      }
      return wrongKind(item, key, wanted: "a size in quotes with its unit", advice: advice)
    }
    func refuse(_ message: String, _ advice: String) -> Located<UInt64>? {
      findings.report(item.place, message, advice: advice)
      return nil
    }
    switch ByteSize.read(text) {
    case .success(0): return refuse("`\(key)` is zero", "a size such as \"256MiB\"")
    case .success(let byteCount): return Located(value: byteCount, place: item.place)
    case .failure(.noNumber): return refuse("`\(key)` has no number", "a number and a unit, such as \"256MiB\"")
    case .failure(.fraction):
      return refuse("`\(key)` is no whole number", "a smaller unit, such as \"1536MiB\" for 1.5 GiB")
    case .failure(.noUnit): return refuse("`\(key)` has no unit", "\"\(text)MiB\" or another unit: KiB, GiB, TiB")
    case .failure(.tooLarge): return refuse("`\(key)` is more than 64 bits hold", "a size such as \"256MiB\"")
    case .failure(.otherUnit(let unit, let meant)):
      return refuse("`\(key)` has the unit `\(unit)`", meant.map { "\($0)" } ?? "KiB, MiB, GiB or TiB")
    }
  }

  func word<Word: ManifestWord>(_ key: String, _ type: Word.Type = Word.self) -> Located<Word>? {
    guard let text = string(key) else { return nil }
    let choices = Word.allCases.map { "\($0.word)" }
    guard let word = Word.allCases.first(where: { "\($0.word)" == text.value }) else {
      let meant = nearest(to: text.value, among: choices)
      findings.report(
        text.place, "`\(key)` cannot be \"\(text.value)\"",
        advice: meant.map { "\"\($0)\"?" } ?? choices.map { "\"\($0)\"" }.joined(separator: ", "))
      return nil
    }
    return Located(value: word, place: text.place)
  }

  // MARK: Tables and lists

  func table(_ key: String, _ schema: Schema) -> TableReader? {
    item(key).flatMap { TableReader($0, schema, findings) }
  }

  /// An array of tables; nil where the key is not there.
  func tables(_ key: String, _ schema: Schema) -> [TableReader]? {
    guard let item = item(key) else { return nil }
    guard case .array(let items) = item.content else {
      findings.report(
        item.place, "`\(key)` is a list of tables, and this is \(item.kind)", advice: "\(schema.title), for each one")
      return nil
    }
    return items.compactMap { TableReader($0, schema, findings) }
  }

  func strings(_ key: String) -> [Located<String>]? {
    let advice = "\(key) = [\"…\"]"
    return list(key, wanted: "a list of texts", advice: advice)?.compactMap { item in
      guard case .string = item.content else {
        return wrongKind(item, key, wanted: "a list of texts", advice: advice)
      }
      return string(item, key: key)
    }
  }

  func list(_ key: String, wanted: String, advice: String) -> [ConfigurationItem]? {
    guard let item = item(key) else { return nil }
    guard case .array(let items) = item.content else {
      let none: Located<Int>? = wrongKind(item, key, wanted: wanted, advice: advice)
      return none.map { _ in [] }
    }
    return items
  }

  private func wrongKind<Value>(
    _ item: ConfigurationItem, _ key: String, wanted: String, advice: String
  ) -> Located<Value>? {
    findings.report(item.place, "`\(key)` is \(wanted), and this is \(item.kind)", advice: advice)
    return nil
  }
}
