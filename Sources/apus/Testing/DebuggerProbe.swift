import Glibc

/// Asks a debugger's port what a debugger asks first (GDB, "Remote Serial Protocol"), and lets the machine go.
enum DebuggerProbe {
  /// What went wrong; nil where the machine waits and answers.
  static func problem(port: UInt16) -> String? {
    let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(connection) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    // QEMU listens a moment after it was started.
    let isConnected = (0..<100).contains { _ in
      let result = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      if result != 0 { usleep(100_000) }
      return result == 0
    }
    guard isConnected else { return "port \(port) does not answer" }
    // Why did the target stop? It answers with a signal.
    writeAll(Array("+$?#3f".utf8), to: connection)
    var answer = ""
    while !answer.contains("#"), let bytes = readAvailable(connection) {
      answer += String(decoding: bytes, as: UTF8.self)
    }
    guard answer.contains("$T") || answer.contains("$S") else { return "the debugger's port says `\(answer)`" }
    writeAll(Array("+$D#44".utf8), to: connection)  // Detach: the machine runs on.
    _ = readAvailable(connection)
    return nil
  }
}
