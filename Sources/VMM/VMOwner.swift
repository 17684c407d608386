import Kernel
import Manifest
import Synchronization
import Virtualization

/// The one that leads a VM's life: carries out commands in order and alone writes the VM's state. A task of its own.
///
/// It waits for nothing without a limit: a vCPU that does not come out of its guest in time makes its VM fail, not wait.
public struct VMOwner<A: VMMArchitecture>: ~Copyable {
  let manifest: VMManifest
  let bundle: Bundle
  let console: Reference<Console<A>>
  let vmm: Reference<VMM<A>>
  /// The VM's end of the console.
  let port: Reference<ConsolePort>
  /// Nil where it could not be made or has been destroyed.
  var vm: Reference<VM<A>>?

  /// Written by the owner's task alone, once there is one; read by anyone.
  public let state = Atomic<VMState>(.created)
  /// How many times the VM has been started. Written by the owner's task alone.
  public let run = Atomic<UInt64>(0)
  /// How the VM last ended. Written before `state` says so.
  public private(set) var end = VMEnd.none

  /// Before a CPU's run queue in the lock order.
  private let commands = Locked(CommandQueue<A>())
  /// Whether the VM counts as one that the VMM waits for. The owner's task alone.
  private var isCounted = false

  /// How long vCPUs have to come out of their guests, in ticks: far more than a kick takes, on whatever machine.
  static var patience: UInt64 { A.counterFrequencyHz &* 10 }

  init(
    manifest: VMManifest, bundle: Bundle, console: Reference<Console<A>>, vmm: Reference<VMM<A>>,
    port: Reference<ConsolePort>
  ) {
    self.manifest = manifest
    self.bundle = bundle
    self.console = console
    self.vmm = vmm
    self.port = port
  }

  var name: LogText { "\(manifest.name)" }

  // MARK: - From anywhere

  /// Has a command carried out and waits for the answer. From a task that is not the owner's.
  /// - Parameters:
  ///   - run: The run that the command is meant for; it is refused when that is over. Nil for whichever there is.
  ///   - ticks: How long the command is wanted. When they are over it is withdrawn, or goes on without anybody waiting.
  public func perform(_ command: VMCommand, in run: UInt64? = nil, within ticks: UInt64? = nil) -> CommandResult {
    let deadline = A.counter &+ (ticks ?? Self.patience)
    let order = VMOrder(command: command, deadline: deadline, run: run)
    let task = Scheduler<A>.current
    guard let number = commands.withLock({ $0.append(order, from: task) }) else { return withoutOwner(command) }
    // The owner has until then; its answer takes a moment more.
    Scheduler<A>.park(deadline: deadline &+ A.counterFrequencyHz / 10) {
      commands.withLock { $0.isAnswered(number) }
    }
    return commands.withLock { $0.takeAnswer(number) }
  }

  /// Tells the owner to do something and goes on; what does not come to pass is told in the log.
  public func send(_ command: VMCommand) {
    let order = VMOrder(command: command, deadline: A.counter &+ Self.patience, run: nil)
    if commands.withLock({ $0.append(order, from: nil) }) == nil { tell(command, withoutOwner(command)) }
  }

  /// The answer where there is no room for a command, or no owner any more.
  private func withoutOwner(_ command: VMCommand) -> CommandResult {
    let state = state.load(ordering: .sequentiallyConsistent)
    return state == .destroyed && command == .destroy ? .alreadyDone : .refused
  }

  /// Says in the log what did not come to pass.
  func tell(_ command: VMCommand, _ result: CommandResult) {
    switch result {
    case .done, .alreadyDone: break
    case .refused, .failed, .timedOut:
      console.value.print(
        "apus: \(name): \(command.word): \(result.word); it is \(state.load(ordering: .sequentiallyConsistent).word)")
    }
  }

  // MARK: - Set-up

  /// Makes the owner's task, which waits for commands from here on. False where there is no memory for it.
  static func begin(_ own: Reference<Self>, leading vm: Reference<VM<A>>, on cpu: Reference<PhysicalCPU<A>>) -> Bool {
    own.value.vm = vm
    let task = Scheduler<A>.spawn(name: "VM[\(vm.value.id)]", on: cpu, urgency: .system) { own.value.main() }
    guard let task else {
      own.value.vm = nil
      return false
    }
    vm.value.ownerTask = task
    own.value.commands.withLock { $0.owner = task }
    return true
  }

  /// The VM is whole.
  func becomeReady() { state.store(.ready, ordering: .sequentiallyConsistent) }

  /// The VM could not be made; what there is of it is given back by `destroy`.
  mutating func fail(because words: StaticString) {
    end = .failed(words)
    state.store(.failed, ordering: .sequentiallyConsistent)
  }

  // MARK: - The owner's task

  mutating func main() {
    while state.load(ordering: .relaxed) != .destroyed {
      Scheduler<A>.park { commands.withLock { $0.hasWaiting } || requestedStop != nil }
      if let reason = requestedStop { stop(becauseOfGuest: reason) }
      if let slot = commands.withLock({ $0.takeFirst() }) {
        let result = obey(slot.order)
        if slot.waiter == nil { tell(slot.order.command, result) }
        commands.withLock { $0.finish(slot.number, with: result) }
      }
    }
    // Whoever waits still is answered; nobody wakes this task after that.
    commands.withLock { queue in
      while let slot = queue.takeFirst() { queue.finish(slot.number, with: withoutOwner(slot.order.command)) }
      queue.owner = nil
    }
  }

  private var isLive: Bool {
    let state = state.load(ordering: .relaxed)
    return state == .running || state == .paused
  }

  /// Why the VM's guest wants it to stop.
  private var requestedStop: StopReason? { isLive ? vm?.value.requestedStop : nil }

  private mutating func obey(_ order: VMOrder) -> CommandResult {
    guard A.counter < order.deadline else { return .timedOut }
    if let run = order.run, run != self.run.load(ordering: .relaxed) { return .refused }
    switch state.load(ordering: .relaxed).transition(for: order.command) {
    case .alreadyDone: return .alreadyDone
    case .refused: return .refused
    case .perform: return carryOut(order.command, by: order.deadline)
    }
  }

  private mutating func carryOut(_ command: VMCommand, by deadline: UInt64) -> CommandResult {
    guard let vm else { return .refused }
    switch command {
    case .start: return start(vm)
    case .pause: return pause(vm, by: deadline)
    case .resume: return resume(vm)
    case .stop: return stop(vm, because: .stoppedByCommand, by: deadline)
    case .reset: return reset(vm, because: .stoppedByCommand, by: deadline)
    case .destroy: return destroy(vm, by: deadline)
    }
  }

  /// Raises the VMM's count, if it is not raised for this VM yet: before a vCPU can run.
  private mutating func countAsRunning() {
    guard !isCounted else { return }
    isCounted = true
    vmm.value.runningVMs.add(1, ordering: .sequentiallyConsistent)
  }

  private mutating func leaveCount() {
    guard isCounted else { return }
    isCounted = false
    vmm.value.vmStopped()
  }

  private mutating func start(_ vm: Reference<VM<A>>) -> CommandResult {
    guard let boot = vm.value.vcpus.first else { return .refused }
    countAsRunning()
    end = .none
    let run = vm.value.beginRun()
    self.run.store(run, ordering: .sequentiallyConsistent)
    vm.value.activeVCPUs.store(1, ordering: .sequentiallyConsistent)
    A.setTime(of: vm, isRunning: true)
    vm.value.want(.run)
    state.store(.running, ordering: .sequentiallyConsistent)
    boot.value.entry = manifest.entry
    boot.value.argument = manifest.deviceTree.source == .none ? 0 : manifest.deviceTree.address.rawValue
    boot.value.run = run
    boot.value.power.store(.starting, ordering: .sequentiallyConsistent)
    boot.value.notify()
    return .done
  }

  /// Where a vCPU does not acknowledge in time the VM runs on.
  private func pause(_ vm: Reference<VM<A>>, by deadline: UInt64) -> CommandResult {
    state.store(.pausing, ordering: .sequentiallyConsistent)
    let control = vm.value.want(.pause)
    guard Scheduler<A>.park(deadline: deadline, until: { vm.value.isAcknowledged(control) }) else {
      vm.value.want(.run)
      state.store(.running, ordering: .sequentiallyConsistent)
      return .timedOut
    }
    A.setTime(of: vm, isRunning: false)
    state.store(.paused, ordering: .sequentiallyConsistent)
    return .done
  }

  private func resume(_ vm: Reference<VM<A>>) -> CommandResult {
    A.setTime(of: vm, isRunning: true)
    state.store(.running, ordering: .sequentiallyConsistent)
    vm.value.want(.run)
    return .done
  }

  /// Brings every vCPU out of the guest and off. False, and the VM has failed, where one does not come.
  private mutating func halt(_ vm: Reference<VM<A>>, by deadline: UInt64) -> Bool {
    state.store(.stopping, ordering: .sequentiallyConsistent)
    vm.value.want(.stop)
    let isOut = Scheduler<A>.park(deadline: deadline) {
      vm.value.activeVCPUs.load(ordering: .sequentiallyConsistent) == 0
    }
    if !isOut { takeDown("a vCPU did not leave its guest in time") }
    return isOut
  }

  /// The VM is of no use from here on, and none that the VMM waits for.
  private mutating func takeDown(_ words: StaticString) {
    fail(because: words)
    console.value.print("apus: vm \(name): failed: \(words)")
    leaveCount()
  }

  private mutating func stop(
    _ vm: Reference<VM<A>>, because reason: StopReason, by deadline: UInt64
  ) -> CommandResult {
    guard halt(vm, by: deadline) else { return .failed }
    end = .stopped(reason)
    state.store(.stopped, ordering: .sequentiallyConsistent)
    tell(vm, reason, "")
    leaveCount()
    return .done
  }

  /// Why the VM has stopped; after a fault with the registers of the vCPU that had it.
  private func tell(_ vm: Reference<VM<A>>, _ reason: StopReason, _ sequel: StaticString) {
    console.value.print("apus: vm \(name): \(reason.words)\(sequel)")
    guard case .faulted(let index, _) = reason, index < vm.value.vcpus.count else { return }
    A.describe(vm.value.vcpus[index]) { line in
      console.value.print("apus: vm \(name): vcpu\(index): \(line)")
    }
  }

  /// The VM has asked for its end itself: down, and up again where its file says so.
  private mutating func stop(becauseOfGuest reason: StopReason) {
    guard let vm else { return }
    let reaction: VMReaction
    switch reason {
    case .resetRequested: reaction = manifest.onReset
    case .faulted: reaction = manifest.onFailure
    default: reaction = .stop
    }
    let deadline = A.counter &+ Self.patience
    if reaction == .restart {
      _ = reset(vm, because: reason, by: deadline)
    } else {
      _ = stop(vm, because: reason, by: deadline)
    }
  }

  /// Fresh memory, images loaded anew. A VM that was running starts again.
  private mutating func reset(
    _ vm: Reference<VM<A>>, because reason: StopReason, by deadline: UInt64
  ) -> CommandResult {
    let startsAgain = isLive
    // Also one that has failed, and may have a vCPU that was late.
    guard halt(vm, by: deadline) else { return .failed }
    if startsAgain { tell(vm, reason, ", starts again") }
    A.resetVM(vm)
    vm.value.memory.clear(preemptionPoint: { Scheduler<A>.preemptionPoint() })
    do throws(VMError) {
      try Self.load(manifest, from: bundle, into: vm)
    } catch {
      takeDown(error.reason)
      return .failed
    }
    state.store(.ready, ordering: .sequentiallyConsistent)
    return startsAgain ? start(vm) : .done
  }

  /// Gives back every frame.
  private mutating func destroy(_ vm: Reference<VM<A>>, by deadline: UInt64) -> CommandResult {
    // Also one that has failed, and may have a vCPU that was late.
    guard halt(vm, by: deadline) else { return .failed }
    // The console lets go of the serial port first: what it types goes through to the vCPUs.
    port.value.disconnect()
    vm.value.isRetired.store(true, ordering: .sequentiallyConsistent)
    vm.value.notify(.all)
    // The tasks cannot tell, because the VM can be gone as soon as they have counted themselves out.
    while vm.value.vcpuTasks.load(ordering: .sequentiallyConsistent) > 0 {
      guard A.counter < deadline else {
        takeDown("a vCPU's task did not end in time")
        return .failed
      }
      Scheduler<A>.park(deadline: A.counter &+ A.counterFrequencyHz / 1000) { false }
    }
    self.vm = nil
    A.destroyVM(vm)
    state.store(.destroyed, ordering: .sequentiallyConsistent)
    return .done
  }
}
