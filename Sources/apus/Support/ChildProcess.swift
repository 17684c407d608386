import Glibc
import Synchronization

/// A program that was started, in a process group of its own, so that everything it starts ends with it.
final class ChildProcess: Sendable {
  /// Where a standard stream of the program leads.
  enum Stream {
    case null
    case pipe
    case descriptor(Int32)
  }

  let processID: pid_t
  /// The ends of the pipes that are ours; -1 where the stream is no pipe.
  let input: Int32
  let output: Int32
  let error: Int32

  private let exitStatus = Mutex<Int32?>(nil)

  /// Starts `executable`, found on the PATH. `environment` is added to ours. With `terminal`, the path of one, that is
  /// all three streams, and the program has a session of its own with it.
  /// - Throws: `Failure.missing` where the program cannot be started.
  init(
    _ executable: String, _ arguments: [String], directory: String? = nil, environment: [String: String?] = [:],
    input: Stream = .null, output: Stream = .pipe, error: Stream = .pipe, terminal: String? = nil
  ) throws(Failure) {
    Signals.holdIfEnding()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    var theirs: [Int32] = []
    defer { for descriptor in theirs { close(descriptor) } }

    func connect(_ stream: Stream, to number: Int32) -> Int32 {
      switch stream {
      case .null:
        posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
        return -1
      case .descriptor(let descriptor):
        posix_spawn_file_actions_adddup2(&actions, descriptor, number)
        return -1
      case .pipe:
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let (ours, their) = number == STDIN_FILENO ? (ends[1], ends[0]) : (ends[0], ends[1])
        posix_spawn_file_actions_adddup2(&actions, their, number)
        theirs.append(their)
        return ours
      }
    }
    if let terminal {
      (self.input, self.output, self.error) = (-1, -1, -1)
      // The first terminal that a session's leader opens is the session's.
      posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, terminal, O_RDWR, 0)
      posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO)
      posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDERR_FILENO)
    } else {
      self.input = connect(input, to: STDIN_FILENO)
      self.output = connect(output, to: STDOUT_FILENO)
      self.error = connect(error, to: STDERR_FILENO)
    }

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    let group = Int16(terminal == nil ? POSIX_SPAWN_SETPGROUP : Self.newSession)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) | group)

    var variables = HostEnvironment.variables
    for (name, value) in environment { variables[name] = value }
    // Glibc's own way to spawn in another folder is not visible to Swift.
    let command = directory.map { ["env", "--chdir=\($0)"] } ?? []
    let argumentVector = (command + [executable] + arguments).map { strdup($0) } + [nil]
    let environmentVector = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for string in argumentVector + environmentVector { free(string) } }

    var started: pid_t = 0
    let result = posix_spawnp(
      &started, command.first ?? executable, &actions, &attributes, argumentVector, environmentVector)
    processID = started
    guard result == 0 else {
      throw Failure(.missing, "\(executable) cannot be started: \(String(cString: strerror(result)))")
    }
    Self.living.withLock { _ = $0.insert(started) }
  }

  /// Glibc's POSIX_SPAWN_SETSID, which Swift does not see.
  private static let newSession: Int32 = 0x80

  deinit {
    terminate()
    for descriptor in [input, output, error] where descriptor >= 0 { close(descriptor) }
  }

  /// Waits for the end; the exit status, or 128 + the signal that ended it.
  @discardableResult
  func wait() -> Int32 {
    defer { Signals.holdIfEnding() }
    return exitStatus.withLock { known in
      if let known { return known }
      var status: Int32 = 0
      while waitpid(processID, &status, 0) < 0 && errno == EINTR {}
      let result = Self.exitStatus(ofWaitStatus: status)
      known = result
      _ = Self.living.withLock { $0.remove(processID) }
      return result
    }
  }

  /// The exit status if the program has ended.
  func poll() -> Int32? {
    defer { Signals.holdIfEnding() }
    return exitStatus.withLock { known in
      if let known { return known }
      var status: Int32 = 0
      guard waitpid(processID, &status, WNOHANG) == processID else { return nil }
      let result = Self.exitStatus(ofWaitStatus: status)
      known = result
      _ = Self.living.withLock { $0.remove(processID) }
      return result
    }
  }

  /// Ends the program and what it started: asks, then insists after two seconds.
  func terminate() {
    guard poll() == nil else { return }
    kill(-processID, SIGTERM)
    for _ in 0..<100 {
      if poll() != nil { return }
      usleep(20_000)
    }
    kill(-processID, SIGKILL)
    wait()
  }

  // MARK: - All programs that run

  private static let living = Mutex<Set<pid_t>>([])

  /// Ends every program that still runs: for our own end by a signal.
  static func terminateAll() {
    let groups = living.withLock { $0 }
    for group in groups { kill(-group, SIGTERM) }
    for _ in 0..<100 where groups.contains(where: { kill(-$0, 0) == 0 }) {
      for group in groups { waitpid(group, nil, WNOHANG) }
      usleep(20_000)
    }
    for group in groups { kill(-group, SIGKILL) }
  }

  private static func exitStatus(ofWaitStatus status: Int32) -> Int32 {
    let signal = status & 0x7F
    return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
  }
}
