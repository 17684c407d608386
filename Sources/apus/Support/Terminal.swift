import Glibc
import Synchronization

/// What is known about the terminal, and its modes while a console is attached.
enum Terminal {
  static var isInputTerminal: Bool { isatty(STDIN_FILENO) == 1 }
  static var isErrorTerminal: Bool { isatty(STDERR_FILENO) == 1 }
  static var isOutputTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
  /// Colours are for terminals, and for people who have not asked for none (https://no-color.org).
  static var errorHasColours: Bool { isErrorTerminal && HostEnvironment.wantsColours }
  static var outputHasColours: Bool { isOutputTerminal && HostEnvironment.wantsColours }

  /// Columns of the terminal on the standard error, 80 where it does not say.
  static var columns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// The modes to go back to; nil while the terminal is as it was found.
  private static let saved = Mutex<termios?>(nil)

  /// Hands every key to the program. Does nothing where the standard input is no terminal.
  static func makeRaw() {
    var current = termios()
    guard tcgetattr(STDIN_FILENO, &current) == 0 else { return }
    saved.withLock { $0 = $0 ?? current }
    cfmakeraw(&current)
    // Output keeps its translation of line ends: our own lines are printed beside the console's.
    current.c_oflag |= tcflag_t(OPOST) | tcflag_t(ONLCR)
    tcsetattr(STDIN_FILENO, TCSADRAIN, &current)
  }

  /// Gives the terminal its modes back. Harmless when they were never changed.
  static func restore() {
    saved.withLock { modes in
      guard var original = modes else { return }
      tcsetattr(STDIN_FILENO, TCSADRAIN, &original)
      modes = nil
    }
  }
}

/// Writes all of `bytes`, waiting where the reader is slow. A reader that has gone is not an error here.
func writeAll(_ bytes: some Collection<UInt8>, to descriptor: Int32) {
  var rest = Array(bytes)[...]
  while !rest.isEmpty {
    let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if written > 0 {
      rest = rest.dropFirst(written)
    } else if errno == EAGAIN {
      var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      poll(&wait, 1, 1000)
    } else if errno != EINTR {
      return
    }
  }
}
