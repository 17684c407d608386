/// The warnings of a Linux kernel's log, as the guests' test `warnings` prints them, and their comparison.
enum KernelWarnings {
  private static let mark = "apus-guest: warning: "
  private static let begin = "apus-guest: warnings begin"
  private static let end = "apus-guest: warnings end"

  /// The warnings among the lines, or among those that begin with `prefix`; nil where the list is not whole.
  static func found(in lines: [String], prefix: String = "") -> [String]? {
    let own = lines.filter { $0.hasPrefix(prefix) }.map { $0.dropFirst(prefix.count) }
    guard let start = own.firstIndex(where: { $0 == begin }), let stop = own[start...].firstIndex(where: { $0 == end })
    else { return nil }
    return own[start..<stop].filter { $0.hasPrefix(mark) }.map { String($0.dropFirst(mark.count)) }
  }

  /// Those of `guest` that no line of `native` equals when time stamps and numbers are left out.
  static func unknown(of guest: [String], to native: [String]) -> [String] {
    let known = Set(native.map(shape))
    return guest.filter { !known.contains(shape($0)) }
  }

  /// The line without its time stamp and with every number as `#`.
  static func shape(_ line: String) -> String {
    line.replacing(#/^\[ *\d+\.\d+\] /#, with: "").replacing(#/0x[0-9a-f]+|\d+/#, with: "#")
  }
}
