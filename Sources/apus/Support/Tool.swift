import Foundation

/// Runs programs to their end and looks at what they say.
enum Tool {
  struct Result {
    let status: Int32
    let output: String
    let error: String
    var succeeded: Bool { status == 0 }
  }

  /// Runs a program; each line of its output and errors is given to `onLine` as it comes.
  static func run(
    _ executable: String, _ arguments: [String], directory: String? = nil, environment: [String: String?] = [:],
    onLine: (String) -> Void = { _ in }
  ) throws(Failure) -> Result {
    let child = try ChildProcess(executable, arguments, directory: directory, environment: environment)
    var texts: [[UInt8]] = [[], []]
    var splitters = [LineSplitter(), LineSplitter()]
    var open = [child.output, child.error]
    while open.contains(where: { $0 >= 0 }) {
      var waits = open.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      poll(&waits, nfds_t(waits.count), -1)
      for index in waits.indices where waits[index].revents != 0 {
        guard let bytes = readAvailable(open[index]) else {
          open[index] = -1
          continue
        }
        texts[index] += bytes
        for line in splitters[index].take(bytes) { onLine(line) }
      }
    }
    return Result(
      status: child.wait(), output: String(decoding: texts[0], as: UTF8.self),
      error: String(decoding: texts[1], as: UTF8.self))
  }

  /// Runs a program that must succeed and returns its output.
  static func output(
    _ executable: String, _ arguments: [String], directory: String? = nil, environment: [String: String?] = [:],
    otherwise kind: Failure.Kind = .failed
  ) throws(Failure) -> String {
    let result = try run(executable, arguments, directory: directory, environment: environment)
    guard result.succeeded else {
      let command = ([executable] + arguments).joined(separator: " ")
      throw Failure(kind, "`\(command)` ended with status \(result.status)\n\(result.error)\(result.output)")
    }
    return result.output
  }
}

/// The bytes that can be read now, after waiting for the first; nil at the end of the stream.
func readAvailable(_ descriptor: Int32) -> [UInt8]? {
  var buffer = [UInt8](repeating: 0, count: 65536)
  while true {
    let count = read(descriptor, &buffer, buffer.count)
    if count > 0 { return Array(buffer[..<count]) }
    if count < 0 && (errno == EINTR || errno == EAGAIN) {
      var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      poll(&wait, 1, 1000)
      continue
    }
    return nil
  }
}
