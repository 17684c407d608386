import Glibc

/// QEMU while it runs, and its console.
final class QEMUProcess {
  enum Event {
    /// Bytes of the machine's console.
    case console([UInt8])
    /// A line that QEMU itself says.
    case message(String)
    /// Bytes that were typed on our terminal.
    case typed([UInt8])
    /// The time that was given is over.
    case timeout
    /// QEMU has ended, and all that it said was told.
    case ended(status: Int32)
  }

  private let child: ChildProcess
  private let keyboard: Int32
  private var isConsoleOpen = true
  private var isErrorOpen = true
  private var messages = LineSplitter()
  private var waitingMessages: [String] = []
  private var unsent: [UInt8] = []

  /// Starts QEMU. `keyboard` is a descriptor whose bytes become `typed` events; -1 for none.
  init(_ command: QEMUCommand, keyboard: Int32 = -1) throws(Failure) {
    child = try ChildProcess(command.executable, command.arguments, input: .pipe)
    self.keyboard = keyboard
    _ = fcntl(child.input, F_SETFL, O_NONBLOCK)
  }

  /// Sends bytes to the machine's console; those that it does not take at once go later.
  func send(_ bytes: [UInt8]) {
    unsent += bytes
  }

  func terminate() { child.terminate() }

  /// Waits for what happens next, until `deadline`; nil waits for ever.
  func next(until deadline: ContinuousClock.Instant?) -> Event {
    while true {
      if !waitingMessages.isEmpty { return .message(waitingMessages.removeFirst()) }
      if !isConsoleOpen && !isErrorOpen { return .ended(status: child.wait()) }
      var waits = [
        pollfd(fd: isConsoleOpen ? child.output : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: isErrorOpen ? child.error : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: keyboard, events: Int16(POLLIN), revents: 0),
        pollfd(fd: unsent.isEmpty ? -1 : child.input, events: Int16(POLLOUT), revents: 0),
      ]
      let ready = poll(&waits, nfds_t(waits.count), Self.milliseconds(until: deadline))
      if ready == 0 { return .timeout }
      guard ready > 0 else { continue }
      if waits[3].revents != 0 { sendMore() }
      if waits[1].revents != 0 {
        if let bytes = readAvailable(child.error) {
          waitingMessages += messages.take(bytes)
        } else {
          isErrorOpen = false
          if let last = messages.finish() { waitingMessages.append(last) }
        }
      }
      if waits[0].revents != 0 {
        if let bytes = readAvailable(child.output) { return .console(bytes) }
        isConsoleOpen = false
      }
      // The keyboard last: what the machine said is told before what was typed next.
      if waits[2].revents != 0, let bytes = readAvailable(keyboard) { return .typed(bytes) }
    }
  }

  private func sendMore() {
    let count = unsent.withUnsafeBytes { write(child.input, $0.baseAddress, $0.count) }
    if count > 0 {
      unsent.removeFirst(count)
    } else if errno != EAGAIN && errno != EINTR {
      unsent.removeAll()  // QEMU has gone; its end comes as an event.
    }
  }

  private static func milliseconds(until deadline: ContinuousClock.Instant?) -> Int32 {
    guard let deadline else { return -1 }
    let left = ContinuousClock.now.duration(to: deadline)
    guard left > .zero else { return 0 }
    let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1
    return Int32(min(milliseconds, 3_600_000))
  }
}
