import Foundation

/// Ctrl-C, SIGTERM and SIGHUP end the command line the same way: the terminal gets its modes back, every program that
/// was started ends, and the status is 128 + the signal's number.
enum Signals {
  /// Starts to watch. Called once, before anything is started; the signals are taken by a thread of their own, so no
  /// code runs in a signal handler.
  static func watch() {
    var watched = sigset_t()
    sigemptyset(&watched)
    for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&watched, signal) }
    pthread_sigmask(SIG_BLOCK, &watched, nil)
    signal(SIGPIPE, SIG_IGN)
    Thread.detachNewThread { [watched] in
      var watched = watched
      var taken: Int32 = 0
      while sigwait(&watched, &taken) != 0 {}
      Terminal.restore()
      Progress.shared.fail(taken == SIGINT ? "cancelled" : "ended by signal \(taken)")
      ChildProcess.terminateAll()
      _exit(128 + taken)
    }
  }
}
