/// What the hypervisor says at its end: how each VM ended, and whether all did as they should. The line holds a token
/// that only the hypervisor was told, so nothing that a guest prints can pass for it.
struct Verdict: Equatable {
  struct VMEnd: Equatable {
    let name: String
    let reason: String
  }

  /// What the hypervisor says of a VM that asked for a reset and is stopped on it.
  static let resetReason = "asked for a reset"

  let isOK: Bool
  let ends: [VMEnd]

  /// A token that a guest cannot guess.
  static func makeToken() -> String {
    var random = SystemRandomNumberGenerator()
    let digits = String(random.next() as UInt64, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

/// Finds the verdict in the lines of the console, and the addresses of a panic's backtrace.
struct VerdictReader {
  private let mark: String
  /// The `apus: vm NAME: REASON` lines since the last line that was none.
  private var ends: [Verdict.VMEnd] = []
  private(set) var verdict: Verdict?
  /// The addresses that a panic named, the innermost first.
  private(set) var backtrace: [UInt64] = []

  init(token: String) {
    mark = "apus: verdict \(token) "
  }

  mutating func take(_ line: String) {
    if let range = line.firstRange(of: mark) {
      switch line[range.upperBound...] {
      case "ok": verdict = Verdict(isOK: true, ends: ends)
      case "failed": verdict = Verdict(isOK: false, ends: ends)
      default: break
      }
    } else if let end = Self.end(line) {
      // A VM's end is told when it comes and again at the last; the last word counts.
      ends.removeAll { $0.name == end.name }
      ends.append(end)
      return
    } else if let address = Self.address(line) {
      // A panic inside a panic must not make the list endless.
      if backtrace.count < 64 { backtrace.append(address) }
    }
    ends = []
  }

  /// `apus: vm NAME: REASON`.
  private static func end(_ line: String) -> Verdict.VMEnd? {
    guard let match = line.wholeMatch(of: /apus: vm ([A-Za-z0-9_.\-]+): (.*)/) else { return nil }
    return Verdict.VMEnd(name: String(match.1), reason: String(match.2))
  }

  /// `apus: backtrace ADDRESS`, in hexadecimal with or without `0x`.
  private static func address(_ line: String) -> UInt64? {
    guard let match = line.wholeMatch(of: /apus: backtrace (?:0x)?([0-9A-Fa-f]{1,16})/) else { return nil }
    return UInt64(match.1, radix: 16)
  }
}
