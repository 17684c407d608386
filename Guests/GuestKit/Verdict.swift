/// What a case found: says every check as a line, and counts those that failed.
public struct Verdict {
  private let console: any GuestMachine
  private let name: ArraySlice<UInt8>
  public private(set) var failureCount = 0
  public private(set) var checkCount = 0

  public init(_ name: ArraySlice<UInt8>, on machine: any GuestMachine) {
    self.name = name
    console = machine
  }

  /// One line: `<case> ok <what>` or `<case> FAILED <what>`, with what was seen.
  public mutating func check(_ passed: Bool, _ what: (inout Line) -> Void) {
    checkCount += 1
    if !passed { failureCount += 1 }
    console.say { line in
      line.text(name)
      line.text(passed ? " ok " : " FAILED ")
      what(&line)
    }
  }

  public mutating func check(_ passed: Bool, _ what: StaticString) {
    check(passed) { $0.text(what) }
  }

  public mutating func check(_ passed: Bool, _ what: StaticString, _ value: UInt64) {
    check(passed) { line in
      line.text(what)
      line.text(": ")
      line.hex(value)
    }
  }

  /// Counts a check without a line of its own, unless it failed. For sweeps.
  public mutating func checkSilently(_ passed: Bool, _ what: (inout Line) -> Void) {
    if passed { checkCount += 1 } else { check(false, what) }
  }

  /// The last line of a case.
  public func conclude() {
    console.say { line in
      line.text("done ")
      line.text(name)
      line.text(failureCount == 0 ? " ok" : " failed")
      line.text(", checks ")
      line.decimal(checkCount)
      line.text(", failed ")
      line.decimal(failureCount)
    }
  }
}
