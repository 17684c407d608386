import Kernel
import Synchronization
import Virtualization

/// The machine's one serial port, shared by all VMs and the hypervisor's own log.
///
/// Until a VM is in focus whole lines are shown, each behind its VM's name. A VM in focus has the terminal for itself:
/// its bytes pass as they are, and what the others send is kept for when they are in focus. `Ctrl-X` and a digit, `n` or
/// `p` moves the focus, `Ctrl-X k` stops the VM in focus, `Ctrl-X Ctrl-X` sends a Ctrl-X to it.
public struct Console<A: VMMArchitecture>: ~Copyable {
  /// Added at set-up; the console task's own from then on.
  var ports: [Reference<ConsolePort>] = []
  /// What the keys ask for that is not the console's own business.
  var stopVM: ((Int) -> Void)?
  /// Which VM's state is worth telling.
  private var focus: Int?
  private var prefixSeen = false
  /// Whether the last byte shown was an end of line.
  private var isAtLineStart = true

  /// Lines of the log that wait to be shown. Last in the lock order.
  private let log = Locked(LogQueue())
  /// The console task; nil until it runs, and lines are shown at once.
  public var task: Reference<Task<A>>?
  /// Something to show or to read. Set by anyone, cleared by the task.
  private let hasWork = Atomic<Bool>(false)
  /// How far the end has come, and how far it is to come.
  private let phase = Atomic<ConsolePhase>(.open)
  private let wantedPhase = Atomic<ConsolePhase>(.open)
  /// Who waits for the end. Written before `wantedPhase` says so.
  private var closer: Reference<Task<A>>?

  public init() {}

  /// Starts the console task on `cpu`. From here on nobody else touches the ports' own parts.
  public static func open(
    _ console: Reference<Self>, vmm: Reference<VMM<A>>, on cpu: Reference<PhysicalCPU<A>>, focus: Int?
  ) {
    console.value.stopVM = { index in
      if vmm.value.owners.indices.contains(index) { vmm.value.owners[index].value.send(.stop) }
    }
    if let focus { console.value.moveFocus(to: focus) }
    console.value.log.withLock { $0.reserve() }
    console.value.task = Scheduler<A>.spawn(name: "console", on: cpu, urgency: .system) { console.value.main() }
  }

  /// Shows all that the VMs have sent, unfinished lines too, so that what is printed from here on comes last. They send
  /// nothing more.
  static func finish(_ console: Reference<Self>) { bring(console, to: .finished) }

  /// The last lines: waits until the console task has shown everything and ends it.
  public static func close(_ console: Reference<Self>) { bring(console, to: .closed) }

  private static func bring(_ console: Reference<Self>, to phase: ConsolePhase) {
    guard console.value.task != nil else { return }
    console.value.closer = Scheduler<A>.current
    console.value.wantedPhase.store(phase, ordering: .sequentiallyConsistent)
    console.value.wake()
    Scheduler<A>.park(deadline: A.counter &+ A.counterFrequencyHz) {
      console.value.phase.load(ordering: .sequentiallyConsistent) == phase
    }
  }

  // MARK: - From anywhere

  /// Shows a line of the hypervisor's own.
  public func print(_ line: LogText) {
    guard task != nil else {
      A.consoleWrite(line)
      return
    }
    log.withLock { $0.append(line) }
    wake()
  }

  /// There is output in a port, or input at the serial port.
  public func wake() {
    hasWork.store(true, ordering: .sequentiallyConsistent)
    if let task { Scheduler<A>.wake(task) }
  }

  /// The hypercall: a line of the guest's text into the log, at most 200 bytes, what cannot be shown as dots.
  func log(from vm: Reference<VM<A>>, at address: GuestPhysicalAddress, byteCount: UInt64) -> CallResult {
    guard byteCount > 0, byteCount <= 200 else { return .invalidParameters }
    var line: LogText = "\(vm.value.name): "
    var offset: UInt64 = 0
    while offset < byteCount {
      guard let place = address.advanced(by: offset), let byte = vm.value.memory.byte(at: place) else {
        return .invalidAddress
      }
      line.append(byte: byte >= 0x20 && byte < 0x7f ? byte : 0x2e)
      offset += 1
    }
    print(line)
    return .success
  }

  // MARK: - The console task

  /// The task's life.
  mutating func main() {
    while true {
      Scheduler<A>.park(deadline: hasPendingInput ? A.counter &+ A.counterFrequencyHz / 200 : .max) {
        hasWork.load(ordering: .sequentiallyConsistent)
      }
      // A moment for a line to become whole, so that not every byte costs a switch of tasks.
      Scheduler<A>.park(deadline: A.counter &+ A.counterFrequencyHz / 1000) { hasWholeLine }
      hasWork.store(false, ordering: .sequentiallyConsistent)
      drain()
      let wanted = wantedPhase.load(ordering: .sequentiallyConsistent)
      guard wanted != phase.load(ordering: .relaxed) else { continue }
      flush()
      phase.store(wanted, ordering: .sequentiallyConsistent)
      // The closer waits for this, or has gone on after its time; it is a task that lives to the end.
      if let closer { Scheduler<A>.wake(closer) }
      if wanted == .closed { return }
    }
  }

  /// Shows all that waits, in bounded pieces.
  mutating func drain() {
    showLog()
    for index in ports.indices { show(ports[index], at: index, limit: 512) }
    takeInput()
    for index in ports.indices {
      passInput(to: ports[index])
      if ports[index].value.output.count > 0 { hasWork.store(true, ordering: .sequentiallyConsistent) }
    }
  }

  /// Everything that is left, at the end.
  mutating func flush() {
    for index in ports.indices {
      while ports[index].value.output.count > 0 { show(ports[index], at: index, limit: .max) }
      if focus == nil { endLine(of: ports[index]) }
    }
    showLog()
  }

  private var hasWholeLine: Bool {
    for port in ports where port.value.hasLine.load(ordering: .relaxed) { return true }
    return log.withLock { !$0.isEmpty }
  }

  private var hasPendingInput: Bool {
    for port in ports where !port.value.pendingInput.isEmpty { return true }
    return false
  }

  private mutating func showLog() {
    while let line = log.withLock({ $0.popFirst() }) {
      startLine()
      A.consoleWrite(line)
    }
  }

  private mutating func startLine() {
    if !isAtLineStart {
      A.consoleWrite(byte: 0x0d)
      A.consoleWrite(byte: 0x0a)
      isAtLineStart = true
    }
  }

  private mutating func show(_ port: Reference<ConsolePort>, at index: Int, limit: Int) {
    port.value.hasLine.store(false, ordering: .relaxed)
    var shown = 0
    while shown < limit, let byte = port.value.output.pop() {
      shown += 1
      if focus == index {
        write(byte)
      } else if focus != nil {
        port.value.backlog.append(byte)
      } else if byte == 0x0a || port.value.line.isFull {
        endLine(of: port)
      } else {
        port.value.line.append(byte)
      }
    }
    port.value.tellRoom()
  }

  private mutating func write(_ byte: UInt8) {
    A.consoleWrite(byte: byte)
    isAtLineStart = byte == 0x0a
  }

  /// Shows the line that `port` has collected, behind its name.
  private mutating func endLine(of port: Reference<ConsolePort>) {
    guard !port.value.line.isEmpty else { return }
    startLine()
    A.consoleWrite(text: "[\(port.value.name)] ")
    while let byte = port.value.line.popFirst() {
      if byte != 0x0d { A.consoleWrite(byte: byte) }
    }
    A.consoleWrite(byte: 0x0d)
    A.consoleWrite(byte: 0x0a)
  }

  // MARK: - Keys

  private mutating func takeInput() {
    var taken = 0
    while taken < 256, let byte = A.consoleRead() {
      taken += 1
      if prefixSeen {
        prefixSeen = false
        takeCommand(byte)
      } else if byte == 0x18 {
        prefixSeen = true
      } else if let focus, ports.indices.contains(focus), !ports[focus].value.pendingInput.isFull {
        ports[focus].value.pendingInput.append(byte)
      }
    }
  }

  private mutating func takeCommand(_ byte: UInt8) {
    switch byte {
    case 0x18:
      if let focus { ports[focus].value.pendingInput.append(byte) }
    case 0x30: moveFocus(to: nil)
    case 0x31...0x39: moveFocus(to: Int(byte) - 0x31)
    case UInt8(ascii: "n"): moveFocus(to: ports.isEmpty ? nil : ((focus ?? -1) + 1) % ports.count)
    case UInt8(ascii: "p"): moveFocus(to: ports.isEmpty ? nil : ((focus ?? 0) + ports.count - 1) % ports.count)
    case UInt8(ascii: "k"): if let focus { stopVM?(focus) }
    default:
      startLine()
      A.consoleWrite("apus: Ctrl-X and 1 to 9, n, p: focus; 0: all; k: stop the VM in focus; Ctrl-X: send it")
    }
  }

  /// Gives the terminal to a VM, or to the lines of all.
  mutating func moveFocus(to index: Int?) {
    guard let index else {
      focus = nil
      startLine()
      A.consoleWrite("apus: all VMs")
      return
    }
    guard ports.indices.contains(index) else { return }
    let port = ports[index]
    if focus == nil {
      for other in ports.indices { keepLine(of: ports[other]) }
    }
    focus = index
    startLine()
    A.consoleWrite("apus: focus on \(port.value.name)")
    while let byte = port.value.backlog.popFirst() { write(byte) }
  }

  /// A line begun while no VM was in focus goes to the VM's backlog.
  private func keepLine(of port: Reference<ConsolePort>) {
    while let byte = port.value.line.popFirst() { port.value.backlog.append(byte) }
  }

  private func passInput(to port: Reference<ConsolePort>) {
    while let byte = port.value.pendingInput.first, port.value.send(byte) {
      _ = port.value.pendingInput.popFirst()
    }
  }
}

/// How far a console's end has come.
enum ConsolePhase: UInt8, AtomicRepresentable {
  case open
  /// All that the VMs have sent is shown.
  case finished
  /// The console's task has ended.
  case closed
}

/// At most 64 lines; what comes when it is full is counted and dropped.
struct LogQueue {
  private var lines: [LogText] = []
  private var dropped = 0

  var isEmpty: Bool { lines.isEmpty }

  /// Takes the room for all lines, so that adding one never does.
  mutating func reserve() { lines.reserveCapacity(64) }

  mutating func append(_ line: LogText) {
    if lines.count < 64 { lines.append(line) } else { dropped += 1 }
  }

  mutating func popFirst() -> LogText? {
    guard !lines.isEmpty else {
      guard dropped > 0 else { return nil }
      defer { dropped = 0 }
      return "apus: \(dropped) lines of the log were dropped"
    }
    return lines.removeFirst()
  }
}
