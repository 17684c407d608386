import Testing

@testable import apus

struct KernelWarningsTests {
  private let log = [
    "[a] apus-guest: warnings begin", "[b] apus-guest: warning: other", "[a] apus-guest: warning: [    1.05] x 12",
    "[a] noise", "[a] apus-guest: warnings end",
  ]

  @Test func warningsOfOneVMAreFound() {
    #expect(KernelWarnings.found(in: log, prefix: "[a] ") == ["[    1.05] x 12"])
  }

  @Test func listWithoutAnEndIsNoList() {
    #expect(KernelWarnings.found(in: log, prefix: "[b] ") == nil)
    #expect(KernelWarnings.found(in: []) == nil)
  }

  @Test func timesAndNumbersMakeNoDifference() {
    #expect(KernelWarnings.unknown(of: ["[    9.99] x 77 at 0xffe0"], to: ["[    1.05] x 12 at 0x10"]) == [])
    #expect(KernelWarnings.unknown(of: ["[    9.99] y"], to: ["[    1.05] x"]) == ["[    9.99] y"])
  }
}
