import Kernel
import Manifest
import Synchronization
import Virtualization

/// The one that leads a VM's life: carries out commands in order and alone writes the VM's state. A task of its own.
public struct VMOwner<A: VMMArchitecture>: ~Copyable {
  let manifest: VMManifest
  let bundle: Bundle
  let console: Reference<Console<A>>
  let vmm: Reference<VMM<A>>
  /// Nil where it could not be made or has been destroyed.
  var vm: Reference<VM<A>>?

  /// Written by the owner's task alone, read by anyone.
  public let state = Atomic<VMState>(.created)
  /// How many times the VM has been started. The owner's task alone.
  public private(set) var run: UInt64 = 0
  /// Why the VM last stopped. Written before `state` says so.
  public private(set) var reason: StopReason?

  /// Commands that wait, a bit each. Set by anyone, taken by the owner.
  private let commands = Atomic<UInt32>(0)
  /// Whether the VM counts as one that the VMM waits for. The owner's task alone.
  private var isCounted = false

  init(
    manifest: VMManifest, bundle: Bundle, console: Reference<Console<A>>, vmm: Reference<VMM<A>>
  ) {
    self.manifest = manifest
    self.bundle = bundle
    self.console = console
    self.vmm = vmm
  }

  // MARK: - From anywhere

  /// Tells the owner to do something. The same command twice before the owner has seen it is one.
  public func send(_ command: VMCommand) {
    commands.bitwiseOr(1 << UInt32(command.rawValue), ordering: .sequentiallyConsistent)
    vm?.value.notifyOwner()
  }

  // MARK: - The owner's task

  mutating func becomeReady(_ vm: Reference<VM<A>>) {
    self.vm = vm
    state.store(.ready, ordering: .sequentiallyConsistent)
  }

  mutating func main() {
    while state.load(ordering: .relaxed) != .destroyed {
      Scheduler<A>.park {
        commands.load(ordering: .sequentiallyConsistent) != 0 || isStopWanted
      }
      if isStopWanted { stopBecauseOfGuest() }
      let waiting = commands.exchange(0, ordering: .sequentiallyConsistent)
      // In the order of the cases: what takes the VM down comes after what brings it up.
      for command in VMCommand.allCases where waiting & (1 << UInt32(command.rawValue)) != 0 { obey(command) }
    }
  }

  private var isLive: Bool {
    let state = state.load(ordering: .relaxed)
    return state == .running || state == .paused
  }

  private var isStopWanted: Bool { isLive && vm?.value.stopReason.withLock({ $0 != nil }) ?? false }

  private mutating func obey(_ command: VMCommand) {
    switch state.load(ordering: .relaxed).transition(for: command) {
    case .alreadyDone: return
    case .refused:
      console.value.print(
        "apus: \(name): cannot \(command.word) while it is \(state.load(ordering: .relaxed).word)")
    case .perform:
      switch command {
      case .start: start()
      case .pause: pause()
      case .resume: resume()
      case .stop: stop(because: .stoppedByCommand)
      case .reset: if reset() { start() }
      case .destroy: destroy()
      }
    }
  }

  var name: LogText {
    "\(manifest.name)"
  }

  /// Raises the VMM's count, if it is not raised for this VM yet: before a vCPU can run.
  mutating func countAsRunning() {
    guard !isCounted else { return }
    isCounted = true
    vmm.value.runningVMs.add(1, ordering: .sequentiallyConsistent)
  }

  private mutating func start() {
    guard let vm, let boot = vm.value.vcpus.first else { return }
    countAsRunning()
    run += 1
    vm.value.stopReason.withLock { $0 = nil }
    vm.value.activeVCPUs.store(1, ordering: .sequentiallyConsistent)
    A.setTime(of: vm, isRunning: true)
    vm.value.control.store(.run, ordering: .sequentiallyConsistent)
    state.store(.running, ordering: .sequentiallyConsistent)
    boot.value.entry = manifest.entry
    boot.value.argument = manifest.deviceTree.source == .none ? 0 : manifest.deviceTree.address.rawValue
    boot.value.power.store(.starting, ordering: .sequentiallyConsistent)
    boot.value.notify()
  }

  private func pause() {
    guard let vm else { return }
    state.store(.pausing, ordering: .sequentiallyConsistent)
    vm.value.control.store(.pause, ordering: .sequentiallyConsistent)
    vm.value.notify(.all)
    Scheduler<A>.park {
      vm.value.pausedVCPUs.load(ordering: .sequentiallyConsistent)
        == vm.value.activeVCPUs.load(ordering: .sequentiallyConsistent)
    }
    A.setTime(of: vm, isRunning: false)
    state.store(.paused, ordering: .sequentiallyConsistent)
  }

  private func resume() {
    guard let vm else { return }
    A.setTime(of: vm, isRunning: true)
    vm.value.control.store(.run, ordering: .sequentiallyConsistent)
    state.store(.running, ordering: .sequentiallyConsistent)
    vm.value.notify(.all)
  }

  /// Brings every vCPU out of the guest and off.
  private mutating func halt(because reason: StopReason) {
    guard let vm else { return }
    state.store(.stopping, ordering: .sequentiallyConsistent)
    vm.value.control.store(.stop, ordering: .sequentiallyConsistent)
    vm.value.notify(.all)
    Scheduler<A>.park { vm.value.activeVCPUs.load(ordering: .sequentiallyConsistent) == 0 }
    self.reason = reason
  }

  private mutating func stop(because reason: StopReason) {
    halt(because: reason)
    state.store(.stopped, ordering: .sequentiallyConsistent)
    tell(reason, "")
    leaveCount()
  }

  /// Why the VM has stopped; after a fault with the registers of the vCPU that had it.
  private func tell(_ reason: StopReason, _ sequel: StaticString) {
    console.value.print("apus: vm \(name): \(reason.words)\(sequel)")
    guard case .faulted(let index, _) = reason, let vm, index < vm.value.vcpus.count else { return }
    A.describe(vm.value.vcpus[index]) { line in
      console.value.print("apus: vm \(name): vcpu\(index): \(line)")
    }
  }

  /// The VM has asked for its end itself: down, and up again where its file says so.
  private mutating func stopBecauseOfGuest() {
    guard let reason = vm?.value.stopReason.withLock({ $0 }) else { return }
    let reaction: VMReaction
    switch reason {
    case .resetRequested: reaction = manifest.onReset
    case .faulted: reaction = manifest.onFailure
    default: reaction = .stop
    }
    guard reaction == .restart else { return stop(because: reason) }
    halt(because: reason)
    tell(reason, ", starts again")
    state.store(.stopped, ordering: .sequentiallyConsistent)
    if reset() { start() }
  }

  private mutating func leaveCount() {
    guard isCounted else { return }
    isCounted = false
    vmm.value.vmStopped()
  }

  /// Fresh memory, images loaded anew.
  private mutating func reset() -> Bool {
    if isLive { halt(because: .resetRequested) }
    guard let vm else { return false }
    A.resetVM(vm)
    vm.value.memory.clear(preemptionPoint: { Scheduler<A>.preemptionPoint() })
    do throws(VMError) {
      try Self.load(manifest, from: bundle, into: vm)
    } catch {
      state.store(.failed, ordering: .sequentiallyConsistent)
      console.value.print("apus: vm \(name): \(error.reason)")
      leaveCount()
      return false
    }
    state.store(.ready, ordering: .sequentiallyConsistent)
    return true
  }

  /// Copies the images and the device tree to where the guest finds them.
  static func load(_ manifest: borrowing VMManifest, from bundle: Bundle, into vm: Reference<VM<A>>) throws(VMError) {
    for image in manifest.images {
      guard bundle.copy(image, to: vm.value.memory, between: { Scheduler<A>.preemptionPoint() }) else {
        throw .imageOutsideMemory
      }
    }
    if manifest.deviceTree.source == .generated {
      let tree = A.makeDeviceTree(for: vm, manifest: manifest)
      guard UInt64(tree.count) <= manifest.deviceTree.roomByteCount else { throw .deviceTreeTooLarge }
      do throws(GuestMemoryError) {
        // SAFETY: the bytes are the tree's, which outlives the call.
        try vm.value.memory.write(unsafe tree.span.bytes, at: manifest.deviceTree.address)
      } catch {
        throw .imageOutsideMemory
      }
    }
    for image in manifest.images { if let range = image.guestRange { A.publish(range, of: vm) } }
    if let range = manifest.deviceTree.range { A.publish(range, of: vm) }
  }

  /// Gives back every frame.
  private mutating func destroy() {
    guard let vm else { return }
    vm.value.isRetired.store(true, ordering: .sequentiallyConsistent)
    vm.value.notify(.all)
    Scheduler<A>.park { vm.value.vcpuTasks.load(ordering: .sequentiallyConsistent) == 0 }
    self.vm = nil
    A.destroyVM(vm)
    state.store(.destroyed, ordering: .sequentiallyConsistent)
  }
}

extension StopReason {
  /// The reason in words.
  var words: LogText {
    switch self {
    case .shutDown: "shut down"
    case .resetRequested: "asked for a reset"
    case .stoppedByCommand: "stopped by command"
    case .stoppedByGuest(let code): "stopped itself with code \(code)"
    case .faulted(let vcpu, let fault):
      "\(fault.kind.words) on vcpu\(vcpu) at pc \(hex: fault.programCounter), address \(hex: fault.address), syndrome \(hex: fault.syndrome)"
    }
  }

  /// Whether the VM ended as its guest wished.
  var isGood: Bool {
    switch self {
    case .shutDown, .resetRequested, .stoppedByCommand: true
    case .stoppedByGuest(let code): code == 0
    case .faulted: false
    }
  }
}

extension GuestFault.Kind {
  var words: StaticString {
    switch self {
    case .repeatedFault: "took the same fault again and again"
    case .undecodable: "did what cannot be decoded"
    case .entryFailed: "could not be entered"
    case .unexpectedExit: "left in a way that is not known"
    case .systemError: "met an error of memory or bus"
    case .shutdown: "faulted while it handled a fault"
    }
  }
}
