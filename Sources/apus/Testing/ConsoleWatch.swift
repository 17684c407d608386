/// Follows a machine's console for a boot test: what has come of what must, what came that must not, and what is to be
/// typed. It knows no time: it goes on when something appears.
struct ConsoleWatch {
  /// One line of expectation and how far it is.
  private struct Expectation {
    let expected: BootTest.Expected
    var met = 0
    var next: String? { met < expected.expect.count ? expected.expect[met] : nil }
  }

  private var expectations: [Expectation]
  private var typings: ArraySlice<BootTest.Typing>
  private let forbidden: [String]
  private var lines = LineSplitter()
  /// What came since the last text that was typed for, bounded.
  private var recent = ""
  /// The first thing that came and must not.
  private(set) var violation: String?
  private(set) var allLines: [String] = []

  init(expected: [BootTest.Expected], typings: [BootTest.Typing], forbidden: [String]) {
    expectations = expected.map { Expectation(expected: $0) }
    self.typings = typings[...]
    self.forbidden = forbidden
  }

  /// What stands before a line of a VM while the console shows all of them.
  static func prefix(ofVM name: String) -> String { "[\(name)] " }

  /// Takes output in; returns what is to be typed now.
  mutating func take(_ bytes: [UInt8]) -> [UInt8] {
    for line in lines.take(bytes) { take(line: line) }
    recent += String(decoding: bytes, as: UTF8.self)
    var typed: [UInt8] = []
    while let next = typings.first, let found = recent.firstRange(of: next.after) {
      typed += Array(next.text.utf8)
      recent = String(recent[found.upperBound...])
      typings = typings.dropFirst()
    }
    if typings.isEmpty { recent = "" } else if recent.utf8.count > 65536 { recent = String(recent.suffix(32768)) }
    return typed
  }

  /// The stream has ended.
  mutating func finish() {
    if let last = lines.finish() { take(line: last) }
  }

  /// What did not come, or was not reached; nil where all came.
  var missing: String? {
    for expectation in expectations {
      if let next = expectation.next {
        let source = expectation.expected.vm.map { " of VM \($0)" } ?? ""
        return "no line\(source) held `\(next)`"
      }
    }
    return typings.first.map { "`\($0.after)` did not appear, after which was to be typed" }
  }

  /// Everything has come and been typed.
  var isComplete: Bool { missing == nil }

  private mutating func take(line: String) {
    allLines.append(line)
    for text in forbidden where violation == nil && line.contains(text) {
      violation = "`\(text)` must not appear: \(line)"
    }
    for index in expectations.indices {
      guard let next = expectations[index].next else { continue }
      if let vm = expectations[index].expected.vm, !line.hasPrefix(Self.prefix(ofVM: vm)) { continue }
      if line.contains(next) { expectations[index].met += 1 }
    }
  }
}
