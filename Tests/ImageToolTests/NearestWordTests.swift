import Testing

@testable import ImageTool

@Suite struct NearestWordTests {
  private let words = ["memory", "cpus", "command-line", "kernel"]

  @Test func misspeltWordIsFound() {
    #expect(nearest(to: "memry", among: words) == "memory")
    #expect(nearest(to: "mmeory", among: words) == "memory")
    #expect(nearest(to: "Command_Line", among: words) == "command-line")
    #expect(nearest(to: "command", among: words) == "command-line")
    #expect(nearest(to: "cpu", among: words) == "cpus")
  }

  @Test func wordThatIsFarFromAllIsNotFound() {
    #expect(nearest(to: "colour", among: words) == nil)
    #expect(nearest(to: "", among: words) == nil)
  }

  @Test func distanceCountsSwapsOnce() {
    #expect(editDistance("ab", "ba") == 1)
    #expect(editDistance("", "abc") == 3)
    #expect(editDistance("same", "same") == 0)
  }
}
