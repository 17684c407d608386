import Synchronization
import Testing

@testable import apus

struct ProgressTests {
  private final class Output: Sendable {
    let text = Mutex("")
  }

  private func lines(isTerminal: Bool, _ body: (Progress) throws -> Void) rethrows -> String {
    let output = Output()
    let progress = Progress(isTerminal: isTerminal, hasColours: isTerminal) { text in
      output.text.withLock { $0 += text }
    }
    try body(progress)
    return output.text.withLock { $0 }
  }

  @Test func stepElsewhereThanOnATerminalHasTwoPlainLines() {
    let text = lines(isTerminal: false) { progress in
      progress.step("guests", "fetching") { step in
        step.note("half")
        return ((), "fetched")
      }
    }
    #expect(text.hasPrefix("guests     fetching …\nguests     fetched ("))
    #expect(!text.contains("\u{1B}"))
    #expect(!text.contains("half"))
  }

  @Test func stepOnATerminalShowsTheToolsLastWords() {
    let text = lines(isTerminal: true) { progress in
      progress.step("guests", "fetching") { step in
        step.note("half")
        return ((), nil)
      }
    }
    #expect(text.contains("half"))
    #expect(text.hasSuffix("\r\u{1B}[K"))
  }

  @Test func failureIsToldOnLinesOfItsOwn() {
    let text = lines(isTerminal: false) { $0.fail("one\ntwo") }
    #expect(text == "apus: one\napus: two\n")
  }
}
