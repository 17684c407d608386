import Foundation

/// A boot test whose `command` is run on a terminal of its own, as a person would: what is typed, what must be shown,
/// the exit status, and that the terminal has its modes back.
struct SessionTest {
  let test: BootTest
  let words: [String]
  let repository: Repository
  /// The test's own folder.
  let folder: URL

  /// What went wrong; nil where nothing did.
  func problem(arch: String) throws(Failure) -> String? {
    let terminal = try PseudoTerminal()
    let before = terminal.modes
    if let before = test.before {
      _ = try Tool.output(
        HostEnvironment.executable, arguments(before, arch), directory: repository.root.path, environment: environment)
    }
    let command = try ChildProcess(
      HostEnvironment.executable, arguments(words, arch), directory: repository.root.path, environment: environment,
      terminal: terminal.path)
    let log = folder.appending(path: "console.log")
    try log.writeAtomically(Data())
    let copy = open(log.path, O_WRONLY | O_APPEND | O_CLOEXEC)
    defer { close(copy) }

    var watch = ConsoleWatch(expected: test.lines ?? [], typings: test.type ?? [], forbidden: test.forbidden)
    var events = (test.events ?? [])[...]
    var seen = ""
    let deadline = ContinuousClock.now + test.timeLimit
    while true {
      // The end is looked for first: what was shown before it is still read then.
      let status = command.poll()
      var wait = pollfd(fd: terminal.user, events: Int16(POLLIN), revents: 0)
      if poll(&wait, 1, status == nil ? 50 : 0) > 0, let bytes = readAvailable(terminal.user) {
        writeAll(bytes, to: copy)
        writeAll(watch.take(bytes), to: terminal.user)
        seen += String(decoding: bytes, as: UTF8.self)
        while let event = events.first, seen.contains(event.after) {
          events = events.dropFirst()
          if let problem = carryOut(event, of: command) { return problem }
        }
        continue
      }
      if let status {
        watch.finish()
        return watch.violation ?? endProblem(status) ?? watch.missing
          ?? (terminal.modes == before ? nil : "the terminal does not have its modes back")
      }
      if ContinuousClock.now > deadline {
        command.terminate()
        return "\(test.timeLimit.components.seconds) s were over before the command ended"
      }
    }
  }

  private func arguments(_ words: [String], _ arch: String) -> [String] {
    words.prefix(1) + ["--arch", arch] + words.dropFirst().map(withFolder)
  }

  private func withFolder(_ text: String) -> String { text.replacing("{folder}", with: folder.path) }

  private var environment: [String: String?] {
    // A console that is the same for everybody: without colours, in no language.
    var environment: [String: String?] = ["NO_COLOR": "1", "TERM": "dumb", "LC_ALL": "C.UTF-8"]
    for (name, value) in test.environment ?? [:] {
      environment[name] = withFolder(value)
    }
    return environment
  }

  private func endProblem(_ status: Int32) -> String? {
    let wanted = test.status ?? 0
    return status == wanted ? nil : "the exit status is \(status), not \(wanted)"
  }

  /// What went wrong; nil where nothing did.
  private func carryOut(_ event: BootTest.Event, of command: ChildProcess) -> String? {
    switch event.what {
    case .terminate: kill(command.processID, SIGTERM)
    case .hangUp: kill(command.processID, SIGHUP)
    case .killMachine:
      guard let machine = Self.children(of: command.processID).first(where: { Self.name(of: $0).hasPrefix("qemu") })
      else { return "there is no QEMU to kill" }
      kill(machine, SIGKILL)
    case .debug: return DebuggerProbe.problem(port: 1234)
    }
    return nil
  }

  private static func children(of process: pid_t) -> [pid_t] {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
    return tasks.flatMap { task -> [pid_t] in
      let text = try? String(contentsOfFile: "/proc/\(process)/task/\(task)/children", encoding: .utf8)
      return (text ?? "").split(separator: " ").compactMap { pid_t($0) }
    }
  }

  private static func name(of process: pid_t) -> String {
    (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)) ?? ""
  }
}
