import Foundation

/// A host thread that plays one stack of the simulated machine: a task's, or the one that a CPU boots on.
///
/// Of all threads of a simulation one runs, the one that holds the baton; the others wait in `waitForBaton`.
final class SimulatedThread {
  let simulation: Simulation
  /// The CPU that the stack belongs to: a task's is known once a CPU first runs on it.
  private(set) var home: SimulatedCPU?
  private let body: () -> Void
  private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
  private var host: pthread_t?
  /// Set by whoever holds the baton, before the last wake-up: the stack is not needed any more.
  private var isOver = false

  /// Each stack holds a few calls of the hypervisor, in a build without optimisation.
  private static let stackByteCount = 256 << 10

  init(of simulation: Simulation, on cpu: SimulatedCPU?, body: @escaping () -> Void) {
    self.simulation = simulation
    home = cpu
    self.body = body
    guard sem_init(semaphore, 0, 0) == 0 else { fatalError("a semaphore cannot be made") }
  }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  var handle: UInt { UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque()) }

  var cpu: SimulatedCPU {
    guard let home else { fatalError("a stack on which no CPU has run") }
    return home
  }

  /// Whether the stack is `cpu`'s, as it is from now on if it was nobody's.
  func belongs(to cpu: SimulatedCPU) -> Bool {
    if home == nil { home = cpu }
    return home === cpu
  }

  // MARK: - The thread that runs this code

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    guard pthread_key_create(&key, nil) == 0 else { fatalError("a key of thread storage cannot be made") }
    return key
  }()

  static var current: SimulatedThread {
    guard let thread = ifAny else { fatalError("the simulated machine is used from outside") }
    return thread
  }

  /// The stack that this thread plays; nil for a thread of the host's own.
  static var ifAny: SimulatedThread? {
    pthread_getspecific(key).map { Unmanaged.fromOpaque($0).takeUnretainedValue() }
  }

  // MARK: - The baton

  /// Lets this thread go on; whoever calls this waits, or has come to its end.
  func giveBaton() {
    if host == nil { start() }
    sem_post(semaphore)
  }

  /// Waits until somebody gives the baton to this thread. Does not come back where the stack is not needed any more.
  func waitForBaton() {
    while sem_wait(semaphore) != 0 {}
    if isOver { pthread_exit(nil) }
  }

  private func start() {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, Self.stackByteCount)
    var thread = pthread_t()
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument else { fatalError("a thread without an argument") }
        pthread_setspecific(SimulatedThread.key, argument)
        SimulatedThread.current.waitForBaton()
        SimulatedThread.current.body()
        fatalError("a stack of the simulated machine has run to its end")
      }, Unmanaged.passUnretained(self).toOpaque())
    guard status == 0 else { fatalError("a thread cannot be made") }
    pthread_attr_destroy(&attributes)
    host = thread
  }

  /// Ends the host thread, which waits for the baton or was never started.
  func end() {
    guard let host else { return }
    isOver = true
    sem_post(semaphore)
    pthread_join(host, nil)
    self.host = nil
  }
}
