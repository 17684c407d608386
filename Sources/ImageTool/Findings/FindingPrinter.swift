/// Writes findings for a person: place, message, the line with the text underlined, what would be right.
public struct FindingPrinter: Sendable {
  private let hasColours: Bool
  /// Characters of a line that are shown before the text and from its beginning on.
  private static let widestPart = 100

  /// - Parameter hasColours: whether to use a terminal's colours.
  public init(hasColours: Bool) { self.hasColours = hasColours }

  public func text(_ findings: [Finding]) -> String { findings.map(text).joined(separator: "\n") }

  private func text(_ finding: Finding) -> String {
    var lines = [
      "\(bold(position(finding.place))) \(red("error:")) \(bold(finding.message))"
    ]
    lines += excerpt(finding.place)
    for related in finding.related {
      lines.append("  \(position(related.place)) \(related.label)")
      lines += excerpt(related.place)
    }
    if let advice = finding.advice { lines.append("  \(green("right:")) \(advice)") }
    return lines.map { $0 + "\n" }.joined()
  }

  private func position(_ place: SourcePlace) -> String {
    place.range == nil ? "\(place.file.path):" : "\(place.file.path):\(place.line):\(place.column):"
  }

  /// The line, and under it as many `^` as the text has characters in that line.
  private func excerpt(_ place: SourcePlace) -> [String] {
    guard let range = place.range, !place.file.bytes.isEmpty else { return [] }
    let line = place.file.line(at: range.lowerBound)
    var before = printable(String(decoding: place.file.bytes[line.start..<range.lowerBound], as: UTF8.self))
    var rest = printable(String(line.text.dropFirst(before.count)))
    var length = min(String(decoding: place.text, as: UTF8.self).count, rest.count)
    if before.count > Self.widestPart { before = "…" + before.suffix(Self.widestPart - 1) }
    if rest.count > Self.widestPart {
      rest = rest.prefix(Self.widestPart - 1) + "…"
      length = min(length, Self.widestPart)
    }
    let number = "\(line.number)"
    let gutter = String(repeating: " ", count: number.count)
    // Tabs stay tabs, so that the marks stand under the text whatever a tab's width.
    let indent = String(before.map { $0 == "\t" ? "\t" : " " })
    let marks = String(repeating: "^", count: max(length, 1))
    return ["  \(number) | \(before)\(rest)", "  \(gutter) | \(indent)\(red(marks))"]
  }

  /// Without what a terminal would act on.
  private func printable(_ text: String) -> String {
    String(text.map { $0 != "\t" && $0.unicodeScalars.contains { $0.value < 32 || $0.value == 127 } ? "\u{fffd}" : $0 })
  }

  private func bold(_ text: String) -> String { coloured(text, "1") }
  private func red(_ text: String) -> String { coloured(text, "1;31") }
  private func green(_ text: String) -> String { coloured(text, "32") }
  private func coloured(_ text: String, _ code: String) -> String {
    hasColours ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
  }
}
