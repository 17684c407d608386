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
    /// A mistake that was reported when the text was read.
    case unreadable
  }

  let content: Content
  /// A value's text, or a table's header. Empty, at the first byte, for the whole file.
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
    case .unreadable: "unreadable"
    }
  }
}

struct ConfigurationEntry {
  let key: String
  let keyPlace: SourcePlace
  let value: ConfigurationItem
}
