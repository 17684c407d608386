/// The figures that our own guest prints (`Documentation/Guests.md`).
enum GuestFigures {
  /// The figures in a console's lines, by name; nil where the guest did not come to its end.
  static func found(in lines: [String]) -> [String: Double]? {
    var figures: [String: Double] = [:]
    var isComplete = false
    for line in lines {
      if let (name, figure) = figure(in: line) { figures[name] = figure }
      if line.contains("guest: done bench ok") { isComplete = true }
    }
    return isComplete ? figures : nil
  }

  /// `guest: bench <id> <ticks>`, with `remainder <r> of <n>` where the iterations differ.
  private static func figure(in line: String) -> (String, Double)? {
    guard let match = line.firstMatch(of: /guest: bench ([a-z_]+) (\d+)(?: remainder (\d+) of (\d+))?\r?$/),
      let whole = Double(match.2)
    else { return nil }
    guard let remainder = match.3.flatMap({ Double($0) }), let count = match.4.flatMap({ Double($0) }), count > 0 else {
      return (String(match.1), whole)
    }
    return (String(match.1), whole + remainder / count)
  }
}
