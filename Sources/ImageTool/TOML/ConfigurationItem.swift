import Foundation
import TOMLKit

/// A value of a configuration file and where it stands.
struct ConfigurationItem {
  enum Content {
    case string(String)
    case integer(Int)
    case number(Double)
    case boolean(Bool)
    case date
    case array([ConfigurationItem])
    case table([ConfigurationEntry])
  }

  let content: Content
  let place: SourcePlace

  /// The kind in words, for messages.
  var kind: String {
    switch content {
    case .string: "a text"
    case .integer: "a whole number"
    case .number: "a number with a fraction"
    case .boolean: "true or false"
    case .date: "a date"
    case .array: "a list"
    case .table: "a table"
    }
  }
}

struct ConfigurationEntry {
  let key: String
  let keyPlace: SourcePlace
  let value: ConfigurationItem
}

extension SourceFile {
  /// The file's values. TOMLKit says what they are and whether the text is TOML at all; our scanner says where they stand.
  /// See Documentation/Decisions/0001-places-in-toml-files.md.
  func parsed() -> Result<ConfigurationItem, Finding> {
    if let zero = bytes.firstIndex(of: 0) {
      return .failure(
        Finding(
          SourcePlace(self, zero..<zero + 1), "a byte of zero cannot stand in a TOML file",
          advice: "the file is text; was another file meant?"))
    }
    guard let text = String(bytes: bytes, encoding: .utf8) else {
      return .failure(Finding(SourcePlace(self, nil), "the file is not UTF-8", advice: "TOML files are UTF-8 text"))
    }
    do {
      let table = try TOMLTable(string: text)
      return .success(item(table.tomlValue, at: TOMLScanner.outline(of: bytes), fallback: 0..<0))
    } catch let error as TOMLParseError {
      let start = offset(line: error.source.begin.line, column: error.source.begin.column)
      let end = offset(line: error.source.end.line, column: error.source.end.column)
      return .failure(
        Finding(SourcePlace(self, start..<max(start, end)), "this is not TOML: \(error.description)", advice: nil))
    } catch {
      return .failure(Finding(SourcePlace(self, nil), "this is not TOML: \(error)", advice: nil))
    }
  }

  /// Where the outline does not have what TOMLKit has, which no test knows a text for, the place is that of what is around.
  private func item(_ value: TOMLValue, at outline: TOMLOutline?, fallback: Range<Int>) -> ConfigurationItem {
    let range = outline?.place ?? fallback
    return ConfigurationItem(content: content(of: value, at: outline, range: range), place: SourcePlace(self, range))
  }

  private func content(
    of value: TOMLValue, at outline: TOMLOutline?, range: Range<Int>
  ) -> ConfigurationItem.Content {
    switch value.type {
    case .string: return .string(value.string ?? "")
    case .int: return .integer(value.int ?? 0)
    case .double: return .number(value.double ?? 0)
    case .bool: return .boolean(value.bool ?? false)
    case .date, .time, .dateTime: return .date
    case .array:
      let values = value.array.map { array in (0..<array.count).map { array[$0].tomlValue } } ?? []
      return .array(
        values.enumerated().map { index, value in
          let inner = outline.flatMap { index < $0.items.count ? $0.items[index] : nil }
          return item(value, at: inner, fallback: range)
        })
    case .table:
      let keys = value.table?.keys ?? []
      let entries = keys.map { key in
        let entry = outline?.entry(key)
        return ConfigurationEntry(
          key: key, keyPlace: SourcePlace(self, entry?.keyPlace ?? range),
          value: item(value[key] ?? TOMLValue(false), at: entry?.value, fallback: range))
      }
      return .table(entries.sorted { ($0.keyPlace.range?.lowerBound ?? 0) < ($1.keyPlace.range?.lowerBound ?? 0) })
    }
  }
}
