import Kernel
import Synchronization

/// A virtual machine: its memory, its vCPUs and its bus. Its life is led by its owner (`VMOwner`); here is what its vCPUs
/// and devices see.
public struct VM<A: VirtualizationArchitecture>: ~Copyable {
  /// Its place in the bundle. No other VM ever has it, also after this one's end.
  public let id: Int
  public let name: LogText

  /// Filled at creation, then read only.
  public var vcpus: [Reference<VCPU<A>>] = []
  public var bus = DeviceBus<A.Device>()
  public var memory: GuestMemory<A>
  public var state: A.VMState

  /// What the owner wants of the vCPUs. Written by the owner alone, before it notifies them.
  public let control = Atomic<VMControl>(.atFirst)
  /// vCPU tasks inside their run loop. The last one out notifies the owner.
  public let activeVCPUs = Atomic<Int>(0)
  /// vCPU tasks that exist; each counts itself out when it ends, and touches nothing of the VM after that.
  public let vcpuTasks = Atomic<Int>(0)
  /// The VM is being taken apart: its vCPU tasks end. Written by the owner alone.
  public let isRetired = Atomic<Bool>(false)
  /// Who wants the VM to stop, and why. Last in the lock order.
  private let stopRequest = Locked<StopRequest>(StopRequest())
  /// The owner's task: woken for every change that it waits for.
  public var ownerTask: Reference<Task<A>>?

  public init(id: Int, name: LogText, memory: consuming GuestMemory<A>, state: consuming A.VMState) {
    self.id = id
    self.name = name
    self.memory = memory
    self.state = state
  }

  /// Asks the owner to stop the VM. The first reason of a run counts, later ones are harmless.
  /// - Parameter run: The run that is to end. A request that comes when that is over is dropped.
  public func requestStop(_ reason: StopReason, in run: UInt64) {
    let isNews = stopRequest.withLock { request in
      guard request.run == run, request.reason == nil else { return false }
      request.reason = reason
      return true
    }
    if isNews { notifyOwner() }
  }

  /// Why this run is to end; nil while nobody has asked for that.
  public var requestedStop: StopReason? { stopRequest.withLock { $0.reason } }

  /// Begins another run: what was asked of the ones before is forgotten. By the owner, while no vCPU runs.
  /// - Returns: the number of the run, 1 for the first.
  public func beginRun() -> UInt64 {
    stopRequest.withLock { request in
      request = StopRequest(run: request.run &+ 1)
      return request.run
    }
  }

  /// Says what the owner wants from here on, and notifies every vCPU.
  /// - Returns: the wish with its number, which a vCPU's acknowledgement names.
  @discardableResult public func want(_ wish: VMWish) -> VMControl {
    let control = control.load(ordering: .relaxed).followed(by: wish)
    self.control.store(control, ordering: .sequentiallyConsistent)
    notify(.all)
    return control
  }

  /// Whether every vCPU that is on is out of its guest because of `control`, and stays out until the next wish.
  public func isAcknowledged(_ control: VMControl) -> Bool {
    var count = 0
    for vcpu in vcpus where vcpu.value.acknowledged.load(ordering: .sequentiallyConsistent) == control { count += 1 }
    // Looked at last: a vCPU that starts another counts it before it acknowledges anything itself.
    return count == activeVCPUs.load(ordering: .sequentiallyConsistent)
  }

  public func notifyOwner() {
    if let ownerTask { Scheduler<A>.wake(ownerTask) }
  }

  /// Notifies each vCPU in `set`.
  @inline(never) public func notify(_ set: CPUSet) {
    var rest = set
    while let index = rest.popFirst() {
      if index < vcpus.count { vcpus[index].value.notify() }
    }
  }
}

/// What a VM's owner wants of the vCPUs.
public enum VMWish: UInt64, Sendable {
  case run
  case pause
  case stop
}

/// A wish of the owner's and its number. No two wishes of a VM's life have the same, so an answer to an earlier one is
/// never taken for an answer to this one.
public struct VMControl: RawRepresentable, Equatable, AtomicRepresentable, Sendable {
  /// The wish in bits 1:0, its number in the others.
  public let rawValue: UInt64

  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

  static let atFirst = Self(rawValue: VMWish.stop.rawValue)

  /// Looked at before each entry.
  @inlinable public var isRun: Bool { rawValue & 3 == VMWish.run.rawValue }

  public var wish: VMWish { VMWish(rawValue: rawValue & 3) ?? .stop }

  func followed(by wish: VMWish) -> Self { Self(rawValue: (rawValue | 3) &+ 1 | wish.rawValue) }
}

/// What is asked of a VM in one of its runs.
struct StopRequest: Sendable {
  var run: UInt64 = 0
  var reason: StopReason?
}

/// Why a VM stopped.
public enum StopReason: Sendable {
  case shutDown
  case resetRequested
  case stoppedByCommand
  case stoppedByGuest(code: UInt64)
  case faulted(vcpu: Int, GuestFault)
}
