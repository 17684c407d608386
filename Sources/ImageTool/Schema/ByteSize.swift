/// Amounts of memory as people write them.
public enum ByteSize {
  static let units: [(name: String, shift: UInt64)] = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)]

  /// Why a text is no amount.
  enum Problem: Error {
    case noNumber
    case fraction
    case noUnit
    /// With the unit that was probably meant.
    case otherUnit(String, meant: String?)
    case tooLarge
  }

  /// The bytes that a text such as `256MiB` means; nil where it means none.
  public static func parse(_ text: String) -> UInt64? { try? read(text).get() }

  static func read(_ text: String) -> Result<UInt64, Problem> {
    let digits = text.prefix { ("0"..."9").contains($0) || $0 == "_" }
    guard let number = UInt64(digits.filter { $0 != "_" }) else {
      return .failure(digits.isEmpty ? .noNumber : .tooLarge)
    }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    guard !unit.isEmpty else { return .failure(.noUnit) }
    guard unit.first != "." else { return .failure(.fraction) }
    guard let shift = units.first(where: { $0.name == unit })?.shift else {
      let first = unit.first.map { $0.uppercased() } ?? ""
      return .failure(.otherUnit(String(unit), meant: units.first { $0.name.hasPrefix(first) }?.name))
    }
    let (product, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
    return overflow ? .failure(.tooLarge) : .success(product)
  }

  /// The amount in the largest unit that leaves no fraction.
  public static func text(_ byteCount: UInt64) -> String {
    let unit = units.last { byteCount != 0 && byteCount % (1 << $0.shift) == 0 }
    return unit.map { "\(byteCount >> $0.shift) \($0.name)" } ?? "\(byteCount) bytes"
  }

  /// The amount as a configuration file has it, rounded up to whole MiB.
  static func configurationText(_ byteCount: UInt64) -> String { "\"\((byteCount + (1 << 20) - 1) >> 20)MiB\"" }
}

/// An address as messages show it.
func hexadecimal(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
