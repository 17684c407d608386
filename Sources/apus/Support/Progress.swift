import Foundation
import Synchronization

/// Tells on the standard error what is being done. On a terminal the line of the running step shows the time and the
/// last words of the tool at work; elsewhere each step has a line when it starts and one when it is done.
final class Progress: Sendable {
  static let shared = Progress(
    isTerminal: Terminal.isErrorTerminal, hasColours: Terminal.errorHasColours
  ) { writeAll($0.utf8, to: STDERR_FILENO) }

  /// What a step may tell while it runs.
  struct Step {
    fileprivate let progress: Progress
    fileprivate let subject: String
    fileprivate let started: ContinuousClock.Instant

    /// Shows `detail`, the latest words of the tool, on a terminal; says nothing elsewhere.
    func note(_ detail: String) {
      progress.showRunning(subject, detail, since: started)
    }
  }

  let isTerminal: Bool
  let hasColours: Bool
  private let output: @Sendable (String) -> Void
  private let runningLine = Mutex(false)  // True while the last line on the terminal is that of a running step.

  init(isTerminal: Bool, hasColours: Bool, output: @escaping @Sendable (String) -> Void) {
    self.isTerminal = isTerminal
    self.hasColours = hasColours
    self.output = output
  }

  /// Runs `body` as a step. It returns its result and the words that tell it; nil words say nothing.
  @discardableResult
  func step<Result, Problem: Error>(
    _ subject: String, _ doing: String, _ body: (Step) throws(Problem) -> (Result, String?)
  ) throws(Problem) -> Result {
    let step = Step(progress: self, subject: subject, started: .now)
    if isTerminal { step.note(doing) } else { line(subject, doing + " …") }
    do {
      let (result, told) = try body(step)
      if let told {
        line(subject, "\(told) (\(Self.seconds(since: step.started)))", mark: "✓")
      } else {
        clearRunning()
      }
      return result
    } catch {
      clearRunning()
      throw error
    }
  }

  /// A line about `subject`.
  func say(_ subject: String, _ text: String) {
    line(subject, text)
  }

  /// What was asked for could not be done.
  func fail(_ text: String) {
    clearRunning()
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      output(style("1;31", "apus:") + " \(line)\n")
    }
  }

  /// Seconds since `start`, to a tenth.
  static func seconds(since start: ContinuousClock.Instant) -> String {
    let elapsed = start.duration(to: .now)
    return String(format: "%.1f s", Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18)
  }

  /// `text` in the given style where there are colours, plain elsewhere.
  func style(_ code: String, _ text: String) -> String {
    hasColours ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }

  private func line(_ subject: String, _ text: String, mark: String? = nil) {
    clearRunning()
    let marked = isTerminal ? (mark.map { style("32", $0) + " " } ?? "  ") : ""
    output(marked + style("1", subject.padding(toLength: 11, withPad: " ", startingAt: 0)) + text + "\n")
  }

  private func showRunning(_ subject: String, _ detail: String, since start: ContinuousClock.Instant) {
    guard isTerminal else { return }
    let text = "… \(subject.padding(toLength: 11, withPad: " ", startingAt: 0))\(Self.seconds(since: start))  \(detail)"
    runningLine.withLock { $0 = true }
    output("\r\u{1B}[K" + text.prefix(Terminal.columns - 1))
  }

  private func clearRunning() {
    let wasShown = runningLine.withLock { shown in
      defer { shown = false }
      return shown
    }
    if wasShown { output("\r\u{1B}[K") }
  }
}
