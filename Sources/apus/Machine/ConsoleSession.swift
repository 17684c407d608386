import Foundation

/// One boot of the hypervisor with its console passed through to the user.
struct ConsoleSession {
  enum End: Equatable {
    /// QEMU ended by itself, with this exit status.
    case machine(status: Int32)
    /// The user ended it by Ctrl-X q.
    case user
    /// The time was over.
    case timeLimit
  }

  struct Outcome {
    var end: End
    var verdict: Verdict?
    var backtrace: [UInt64]
    /// Lines that QEMU itself said.
    var messages: [String]
  }

  /// How the console is connected.
  enum Attachment {
    /// The terminal is raw, and what is typed goes to the machine.
    case terminal
    /// The output is passed through; the machine must end by itself within the limit.
    case output(limit: Duration)
  }

  let command: QEMUCommand
  let token: String
  /// Where a copy of the console's output goes.
  let log: URL

  /// The machine may take so long to go off after its verdict, or after a panic.
  private static let lastWords: Duration = .seconds(15)

  func run(_ attachment: Attachment) throws(Failure) -> Outcome {
    try log.writeAtomically(Data())
    let copy = open(log.path, O_WRONLY | O_APPEND | O_CLOEXEC)
    defer { close(copy) }

    var deadline: ContinuousClock.Instant?
    var isInteractive = false
    switch attachment {
    case .terminal: isInteractive = true
    case .output(let limit): deadline = .now + limit
    }
    let machine = try QEMUProcess(command, keyboard: isInteractive ? STDIN_FILENO : -1)
    if isInteractive { Terminal.makeRaw() }
    defer { if isInteractive { Terminal.restore() } }

    var keys = ConsoleKeys()
    var lines = LineSplitter()
    var reader = VerdictReader(token: token)
    var messages: [String] = []
    func outcome(_ end: End) -> Outcome {
      if let last = lines.finish() { reader.take(last) }
      return Outcome(end: end, verdict: reader.verdict, backtrace: reader.backtrace, messages: messages)
    }

    while true {
      switch machine.next(until: deadline) {
      case .console(let bytes):
        writeAll(bytes, to: STDOUT_FILENO)
        writeAll(bytes, to: copy)
        let wasOver = reader.isOver
        for line in lines.take(bytes) { reader.take(line) }
        if reader.isOver, !wasOver, !isInteractive { deadline = .now + Self.lastWords }
      case .typed(let bytes):
        let (forwarded, isEnd) = keys.take(bytes)
        machine.send(forwarded)
        if isEnd {
          machine.terminate()
          return outcome(.user)
        }
      case .message(let line):
        messages.append(line)
      case .timeout:
        machine.terminate()
        return outcome(.timeLimit)
      case .ended(let status):
        return outcome(.machine(status: status))
      }
    }
  }
}

extension VerdictReader {
  /// Nothing that matters can come after this: the verdict, or a panic.
  var isOver: Bool { verdict != nil || !backtrace.isEmpty }
}

extension ConsoleSession.Outcome {
  /// Throws what went wrong; returns where everything was as it should be, or where the user ended it.
  ///
  /// Without `allowsResets` a VM that ended by asking for a reset has failed: our guests do so when a test of theirs
  /// did not pass.
  func check(_ build: HypervisorBuild, allowsResets: Bool) throws(Failure) {
    if let verdict {
      let reasons = verdict.ends.map { "VM \($0.name): \($0.reason)" }
      for reason in reasons { Progress.shared.say("end", reason) }
      let hasReset = verdict.ends.contains { $0.reason == Verdict.resetReason }
      guard verdict.isOK, allowsResets || !hasReset else { throw Failure(.failed, "not every VM ended as it should") }
      return
    }
    if end == .user { return }
    var text = messages.joined(separator: "\n")
    if !text.isEmpty { text += "\n" }
    if !backtrace.isEmpty {
      text += "the hypervisor panicked; it was in\n"
      text += Backtrace(addresses: backtrace).described(by: build).map { "  \($0)\n" }.joined()
    }
    switch end {
    case .timeLimit: text += "the time limit was over before the hypervisor gave its verdict"
    case .machine(let status): text += "QEMU ended with status \(status), and the hypervisor gave no verdict"
    case .user: break
    }
    throw Failure(.noVerdict, text)
  }
}
