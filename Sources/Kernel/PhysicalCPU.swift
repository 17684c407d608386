import Synchronization

/// The per-CPU area.
public struct PhysicalCPU<A: CPUArchitecture>: ~Copyable {
  /// 0 for the boot CPU, then in the order of the firmware's tables.
  public let index: Int
  /// The name the hardware knows it by (MPIDR affinity, hart id, APIC id).
  public let hardwareID: UInt64

  /// The architecture's own part. Touched by this CPU alone unless a field says otherwise.
  public var local: A.CPULocal

  /// The task that runs here. Touched by this CPU alone.
  public internal(set) var currentTask: Reference<Task<A>>?
  var idleTask: Reference<Task<A>>?
  /// A task that has ended and whose stack this CPU must give back once it is off it.
  var endedTask: Reference<Task<A>>?

  /// Last in the lock order: nothing else is taken while it is held.
  let runQueue: Locked<RunQueue<A>>
  /// Tasks in `runQueue`, to decide about time slices without its lock.
  let readyCount = Atomic<Int>(0)
  /// Set by anyone who wants the scheduler to run here, then followed by `A.notify(cpu:)` where the CPU is another.
  let needsReschedule = Atomic<Bool>(false)

  /// Tasks with a deadline, earliest first. Touched by this CPU alone.
  var firstDeadline: Reference<Task<A>>?
  /// When the running task's time slice ends; `.max` while nobody else waits. Touched by this CPU alone.
  var sliceEnd: UInt64 = .max
  /// What the hardware timer is set to. Touched by this CPU alone.
  var armedDeadline: UInt64 = .max

  /// Guest tasks that have been placed here. Set-up only.
  public var assignedTasks = 0

  public init(index: Int, hardwareID: UInt64, local: consuming A.CPULocal) {
    self.index = index
    self.hardwareID = hardwareID
    self.local = local
    runQueue = Locked(RunQueue())
  }

  /// Whether the run loop should give the scheduler a turn before it enters the guest again.
  @inlinable public var isRescheduleNeeded: Bool { needsRescheduleNow }

  @usableFromInline var needsRescheduleNow: Bool { needsReschedule.load(ordering: .relaxed) }
}
