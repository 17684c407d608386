import Testing

@testable import apus

struct VerdictTests {
  private func verdict(_ lines: [String]) -> Verdict? {
    var reader = VerdictReader(token: "0123abcd")
    for line in lines { reader.take(line) }
    return reader.verdict
  }

  @Test func okHasTheReasonOfEachVM() {
    let verdict = verdict([
      "[linux1] reboot: Power down", "apus: vm linux1: shut down", "apus: vm linux2: shut down",
      "apus: verdict 0123abcd ok",
    ])
    #expect(
      verdict
        == Verdict(
          isOK: true, ends: [.init(name: "linux1", reason: "shut down"), .init(name: "linux2", reason: "shut down")]))
  }

  @Test func failedIsNotOK() {
    #expect(verdict(["apus: vm a: fault at 0x0", "apus: verdict 0123abcd failed"])?.isOK == false)
  }

  @Test func otherTokenIsNoVerdict() {
    #expect(verdict(["apus: verdict ffffffff ok"]) == nil)
    #expect(verdict(["apus: verdict 0123abcd"]) == nil)
    #expect(verdict(["apus: verdict 0123abcd okay"]) == nil)
  }

  @Test func lineThatAGuestLeftUnfinishedDoesNotHideTheVerdict() {
    #expect(verdict(["/ # apus: verdict 0123abcd ok"])?.isOK == true)
  }

  @Test func reasonsThatDoNotStandRightBeforeTheVerdictAreNotItsOwn() {
    let ends = verdict(["apus: vm a: invented", "hello", "apus: vm b: shut down", "apus: verdict 0123abcd ok"])?.ends
    #expect(ends == [.init(name: "b", reason: "shut down")])
  }

  @Test func vmThatIsToldTwiceCountsOnce() {
    let ends = verdict([
      "apus: vm a: shut down", "apus: vm b: shut down", "apus: vm a: shut down", "apus: verdict 0123abcd ok",
    ])?.ends
    #expect(ends == [.init(name: "b", reason: "shut down"), .init(name: "a", reason: "shut down")])
  }

  @Test func backtraceIsCollectedAndBounded() {
    var reader = VerdictReader(token: "1")
    reader.take("apus: backtrace 0xffff000000001000")
    for _ in 0..<100 { reader.take("apus: backtrace 10") }
    #expect(reader.backtrace.count == 64)
    #expect(reader.backtrace.first == 0xFFFF_0000_0000_1000)
    #expect(reader.verdict == nil)
  }

  @Test func tokensDifferAndAre16Digits() {
    let tokens = (0..<8).map { _ in Verdict.makeToken() }
    #expect(Set(tokens).count == 8)
    #expect(tokens.allSatisfy { $0.count == 16 })
  }
}
