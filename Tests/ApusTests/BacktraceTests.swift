import Testing

@testable import apus

struct BacktraceTests {
  @Test func symbolsAndPlacesAreRead() {
    let output = "$e3VMM at VMM.swift:22:5\n\n?? at ??:0:0\nstrange\n"
    #expect(
      Backtrace.frames(in: output) == [
        .init(symbol: "$e3VMM", place: "VMM.swift:22:5"), .init(symbol: "??", place: "??:0:0"),
        .init(symbol: "strange", place: ""),
      ])
  }
}
