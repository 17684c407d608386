/// A table while its file is being read.
final class TOMLTableNode {
  /// What said that there is such a table; it decides what may be added later (TOML 1.0, Table).
  enum Origin {
    /// A longer header, such as `[a.b]` for `a`.
    case implied
    case header
    /// A dotted key, such as `a.b = 1` for `a`.
    case dottedKey
  }

  enum Value {
    /// Finished: a value, a list or an inline table.
    case item(ConfigurationItem)
    case table(TOMLTableNode)
    /// What `[[…]]` makes, with the first header's place.
    case tables([TOMLTableNode], SourcePlace)
  }

  struct Entry {
    let key: String
    let keyPlace: SourcePlace
    var value: Value
  }

  var origin: Origin
  /// The header, or the first key that names it.
  var place: SourcePlace
  private(set) var entries: [Entry] = []

  init(_ origin: Origin, at place: SourcePlace) {
    self.origin = origin
    self.place = place
  }

  func entry(_ key: String) -> Entry? { entries.first { $0.key == key } }

  func add(_ key: String, at keyPlace: SourcePlace, _ value: Value) {
    entries.append(Entry(key: key, keyPlace: keyPlace, value: value))
  }

  /// Adds a table to those that `[[key]]` made before.
  func append(_ table: TOMLTableNode, to key: String) {
    guard let index = entries.firstIndex(where: { $0.key == key }),
      case .tables(let tables, let place) = entries[index].value
    else { return }
    entries[index].value = .tables(tables + [table], place)
  }

  /// The table as a value, its entries in the order of the text.
  var item: ConfigurationItem {
    let entries = entries.map { entry in
      let value: ConfigurationItem
      switch entry.value {
      case .item(let item): value = item
      case .table(let table): value = table.item
      case .tables(let tables, let place): value = ConfigurationItem(content: .array(tables.map(\.item)), place: place)
      }
      return ConfigurationEntry(key: entry.key, keyPlace: entry.keyPlace, value: value)
    }
    return ConfigurationItem(content: .table(entries), place: place)
  }
}
