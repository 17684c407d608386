import Testing

@testable import apus

struct HypervisorBuildTests {
  @Test func failedBuildIsToldByItsErrorsOnce() {
    let output = """
      [1/2] Compiling VMM
      /a/B.swift:1:2: error: no such thing
      1 | x
      /a/B.swift:1:2: error: no such thing
      error: fatalError
      """
    #expect(HypervisorBuild.essence(of: output) == ["/a/B.swift:1:2: error: no such thing", "error: fatalError"])
  }

  @Test func failedBuildWithoutErrorsIsToldByItsLastLines() {
    #expect(HypervisorBuild.essence(of: "one\ntwo") == ["one", "two"])
  }
}
