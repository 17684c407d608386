import Kernel
import Synchronization

/// A virtual CPU: its hardware state, whether it is on, and the task that runs it.
public struct VCPU<A: VirtualizationArchitecture>: ~Copyable {
  public let vm: Reference<VM<A>>
  public let index: Int

  /// Touched by the vCPU's own task, and by others only while it is off.
  public var state: A.VCPUState
  /// Set once, before anything runs.
  public var task: Reference<Task<A>>?

  /// Every transition is a compare-and-exchange: of two that start a vCPU one wins.
  public let power = Atomic<VCPUPower>(.off)
  /// Where the vCPU begins. Written by whoever turned `power` from `off` to `claimed`, read by the vCPU's task once it has
  /// seen that.
  public var entry = GuestPhysicalAddress(0)
  public var argument: UInt64 = 0
  /// The VM's run that the vCPU was started in. Written and read as `entry` is.
  public var run: UInt64 = 0
  /// The wish to pause that the vCPU has last followed. Written by the vCPU's own task.
  public let acknowledged = Atomic<VMControl>(.atFirst)

  /// Whether the vCPU may be inside the guest. Sequentially consistent on both sides: whoever makes work for the vCPU first
  /// publishes the work, then reads this; the vCPU first sets this, then looks for work.
  public let isInGuest = Atomic<Bool>(false)

  /// Where on the bus the vCPU's last access was. Touched by the vCPU's own task.
  public var lastWindow = 0

  /// Written by the vCPU's own task; read by anyone, for show.
  public var statistics = VCPUStatistics()

  public init(vm: Reference<VM<A>>, index: Int, state: consuming A.VCPUState) {
    self.vm = vm
    self.index = index
    self.state = state
  }

  /// Makes the vCPU look for work: wakes it where it is parked, makes it exit where it is in the guest.
  public func notify() {
    guard let task else { return }
    Scheduler<A>.wake(task)
    if isInGuest.load(ordering: .sequentiallyConsistent), task.value.cpu != A.currentCPU {
      A.notify(cpu: task.value.cpu)
    }
  }
}

public enum VCPUPower: UInt8, AtomicRepresentable, Sendable {
  case off
  /// Somebody is writing where it is to begin.
  case claimed
  /// Somebody has started it, its task has not seen that yet.
  case starting
  case on
}

/// What a vCPU has done, by count. Each exit is counted under one kind.
public struct VCPUStatistics: Sendable {
  // Exits by kind.
  public var interrupts: UInt64 = 0
  public var mmio: UInt64 = 0
  /// Calls of the firmware's interfaces and Apus's own.
  public var hypercalls: UInt64 = 0
  public var systemRegisters: UInt64 = 0
  /// Instructions that wait for an interrupt or an event.
  public var waits: UInt64 = 0
  /// Faults and what else is trapped.
  public var others: UInt64 = 0

  /// All exits.
  public var exits: UInt64 { interrupts &+ mmio &+ hypercalls &+ systemRegisters &+ waits &+ others }

  /// How often the task waited for an interrupt.
  public var halts: UInt64 = 0
  /// Accesses that no device took, among `mmio`.
  public var refusedAccesses: UInt64 = 0

  /// Where the time goes.
  public var time = TimeAccount()

  public init() {}
}
