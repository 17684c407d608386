import Testing

@testable import apus

struct TestReportTests {
  @Test func summaryOfPassesIsPlain() {
    var report = TestReport(hasColours: false)
    report.count(passed: 3, failed: 0)
    #expect(report.add("boot", "a", .passed, "1.0 s") == "pass  boot: a (1.0 s)")
    #expect(report.summary == "4 passed, 0 failed")
    #expect(report.isSuccess)
  }

  @Test func whatDidNotRunIsNoSuccess() {
    var report = TestReport(hasColours: false)
    report.count(passed: 3, failed: 0)
    #expect(report.add("boot", "b", .notRun("no network"), "0.0 s") == "not run  boot: b (0.0 s)\n        no network")
    #expect(report.summary == "3 passed, 0 failed, 1 not run")
    #expect(!report.isSuccess)
  }

  @Test func nothingAtAllIsNoSuccess() {
    #expect(!TestReport(hasColours: false).isSuccess)
  }

  @Test func swiftTestsAreCounted() {
    let result = HostTests.parse(
      """
      ◇ Test run started.
      ✔ Test "words here" passed after 0.001 seconds.
      ✔ Test a() passed after 0.001 seconds.
      ✘ Test b() recorded an issue at X.swift:3:4: Expectation failed
      ✘ Test b() failed after 0.001 seconds with 1 issue.
      ✘ Test run with 3 tests in 1 suite failed after 0.01 seconds with 1 issue.
      """, status: 1)
    #expect(result.passed == 2)
    #expect(result.failed == 1)
    #expect(result.failures == ["✘ Test b() recorded an issue at X.swift:3:4: Expectation failed"])
    #expect(result.closing == ["✘ Test run with 3 tests in 1 suite failed after 0.01 seconds with 1 issue."])
  }

  @Test func buildThatFailsIsAFailure() {
    let result = HostTests.parse("X.swift:1:1: error: no such thing\n", status: 1)
    #expect(result.failed == 1)
    #expect(result.failures == ["X.swift:1:1: error: no such thing"])
  }
}
