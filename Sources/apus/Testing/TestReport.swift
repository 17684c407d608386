/// What came of all tests: a line each as they end, and the summary.
struct TestReport {
  enum Outcome: Equatable {
    case passed
    case failed(String)
    /// It could not be run. Never counted as passed: the whole run fails.
    case notRun(String)
  }

  private(set) var passed = 0
  private(set) var failed = 0
  private(set) var notRun = 0
  private let hasColours: Bool

  init(hasColours: Bool) {
    self.hasColours = hasColours
  }

  var isSuccess: Bool { failed == 0 && notRun == 0 && passed > 0 }

  /// Counts tests that another runner ran.
  mutating func count(passed: Int, failed: Int) {
    self.passed += passed
    self.failed += failed
  }

  /// Counts one test; returns its line, and the reason on lines of its own.
  mutating func add(_ kind: String, _ name: String, _ outcome: Outcome, _ time: String) -> String {
    switch outcome {
    case .passed:
      passed += 1
      return Self.line(style("32", "pass"), kind, name, time)
    case .failed(let reason):
      failed += 1
      return Self.line(style("1;31", "FAIL"), kind, name, time) + Self.indented(reason)
    case .notRun(let reason):
      notRun += 1
      return Self.line(style("1;33", "not run"), kind, name, time) + Self.indented(reason)
    }
  }

  /// The last line.
  var summary: String {
    "\(passed) passed, \(failed) failed" + (notRun == 0 ? "" : ", \(notRun) not run")
  }

  private func style(_ code: String, _ text: String) -> String {
    hasColours ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }

  private static func line(_ word: String, _ kind: String, _ name: String, _ time: String) -> String {
    "\(word)  \(kind): \(name) (\(time))"
  }

  private static func indented(_ text: String) -> String {
    text.split(separator: "\n").map { "\n        \($0)" }.joined()
  }
}
