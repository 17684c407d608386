import Foundation
import Synchronization

/// Ctrl-C, SIGTERM and SIGHUP end the command line the same way: the terminal gets its modes back, every program that
/// was started ends, and the status is 128 + the signal's number.
enum Signals {
  private static let isEnding = Atomic(false)

  /// Does not come back once a signal has ended us: what happens to the programs that we started is then our own doing,
  /// and nothing to report.
  static func holdIfEnding() {
    while isEnding.load(ordering: .acquiring) { pause() }
  }

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
      isEnding.store(true, ordering: .releasing)
      Terminal.restore()
      Progress.shared.fail(taken == SIGINT ? "cancelled" : "ended by signal \(taken)")
      ChildProcess.terminateAll()
      _exit(128 + taken)
    }
  }
}
