import Foundation

/// A terminal that a program can be given, with us in the place of its user.
final class PseudoTerminal {
  /// Our end: what is written here was typed, what is read here was shown.
  let user: Int32
  /// The program's end, kept open so that the modes can be read after the program's end.
  private let program: Int32
  /// The path of the program's end.
  let path: String

  init() throws(Failure) {
    var ends: (user: Int32, program: Int32) = (-1, -1)
    var size = winsize(ws_row: 40, ws_col: 160, ws_xpixel: 0, ws_ypixel: 0)
    guard openpty(&ends.user, &ends.program, nil, nil, &size) == 0 else {
      throw Failure(.failed, "no pseudo-terminal is to be had: \(String(cString: strerror(errno)))")
    }
    (user, program) = ends
    for end in [user, program] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    path = URL(filePath: "/proc/self/fd/\(program)").resolvingSymlinksInPath().path
  }

  deinit {
    close(program)
    close(user)
  }

  /// What distinguishes a raw terminal from one that a shell can use.
  struct Modes: Equatable {
    let input: tcflag_t
    let output: tcflag_t
    let local: tcflag_t
  }

  var modes: Modes {
    var modes = termios()
    tcgetattr(program, &modes)
    return Modes(input: modes.c_iflag, output: modes.c_oflag, local: modes.c_lflag)
  }
}
