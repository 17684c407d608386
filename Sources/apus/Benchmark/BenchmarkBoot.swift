import Foundation

/// One boot for the sake of a figure: runs a machine to its end and returns what it said.
struct BenchmarkBoot {
  /// Where command, console and what else comes of it are kept.
  let folder: URL

  /// Seconds after which it has failed. Generous: no figure depends on it.
  private static let timeLimit: Duration = .seconds(600)

  /// Runs the machine until it goes off, or until a line satisfies `isLast`.
  func run(_ command: QEMUCommand, until isLast: (String) -> Bool = { _ in false }) throws(Failure) -> [String] {
    try folder.appending(path: "command").writeAtomically(Data((command.shellText + "\n").utf8))
    var splitter = LineSplitter()
    var lines: [String] = []
    defer { try? folder.appending(path: "console.log").writeAtomically(Data(lines.joined(separator: "\n").utf8)) }
    let deadline = ContinuousClock.now + Self.timeLimit
    let machine = try QEMUProcess(command)
    while true {
      switch machine.next(until: deadline) {
      case .console(let bytes):
        let seen = lines.count
        lines += splitter.take(bytes)
        if lines[seen...].contains(where: isLast) {
          machine.terminate()
          return lines
        }
      case .typed, .message: break
      case .timeout:
        machine.terminate()
        throw Failure(.failed, "the machine did not go off; its console is in \(folder.pathFromHere)")
      case .ended(let status):
        if let last = splitter.finish() { lines.append(last) }
        guard status == 0 else {
          throw Failure(.failed, "QEMU ended with status \(status); the console is in \(folder.pathFromHere)")
        }
        return lines
      }
    }
  }
}
