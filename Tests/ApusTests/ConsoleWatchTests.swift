import Testing

@testable import apus

struct ConsoleWatchTests {
  private func watch(
    _ expected: [BootTest.Expected] = [], type: [BootTest.Typing] = [], never: [String] = []
  ) -> ConsoleWatch {
    ConsoleWatch(expected: expected, typings: type, forbidden: never)
  }

  @Test func linesInOrderAreMet() {
    var watch = watch([.init(vm: nil, expect: ["one", "two"])])
    _ = watch.take(Array("one\nother\ntwo\n".utf8))
    #expect(watch.missing == nil)
  }

  @Test func linesInTheWrongOrderAreMissing() {
    var watch = watch([.init(vm: nil, expect: ["one", "two"])])
    _ = watch.take(Array("two\none\n".utf8))
    #expect(watch.missing == "no line held `two`")
  }

  @Test func onlyLinesOfTheVMCount() {
    var watch = watch([.init(vm: "a", expect: ["up"]), .init(vm: "b", expect: ["up"])])
    _ = watch.take(Array("[a] up\nup\n".utf8))
    #expect(watch.missing == "no line of VM b held `up`")
    _ = watch.take(Array("[b] up\n".utf8))
    #expect(watch.missing == nil)
  }

  @Test func lastLineWithoutAnEndCountsOnceTheStreamEnds() {
    var watch = watch([.init(vm: nil, expect: ["bye"])])
    _ = watch.take(Array("bye".utf8))
    #expect(watch.missing != nil)
    watch.finish()
    #expect(watch.missing == nil)
  }

  @Test func forbiddenTextIsReportedWithItsLine() {
    var watch = watch(never: ["panic"])
    _ = watch.take(Array("a panic here\n".utf8))
    #expect(watch.violation == "`panic` must not appear: a panic here")
  }

  @Test func textIsTypedWhenItsPromptAppears() {
    var watch = watch(type: [.init(after: "# ", text: "first\n"), .init(after: "# ", text: "second\n")])
    #expect(watch.take(Array("booting".utf8)) == [])
    #expect(watch.take(Array("\n# ".utf8)) == Array("first\n".utf8))
    #expect(watch.take(Array("first\n".utf8)) == [])
    #expect(watch.take(Array("done\n# ".utf8)) == Array("second\n".utf8))
    #expect(watch.missing == nil)
  }

  @Test func promptThatIsCutInTwoIsFound() {
    var watch = watch(type: [.init(after: "login: ", text: "root\n")])
    #expect(watch.take(Array("log".utf8)) == [])
    #expect(watch.take(Array("in: ".utf8)) == Array("root\n".utf8))
  }

  @Test func promptThatDidNotComeIsMissing() {
    #expect(watch(type: [.init(after: "# ", text: "x")]).missing?.contains("# ") == true)
  }
}
