import Synchronization

/// One thread of the hypervisor, with its own stack, bound to one physical CPU.
public struct Task<A: CPUArchitecture>: ~Copyable {
  /// Shown in messages: `VM[i]-VCpu[j]` for a vCPU's.
  public let name: LogText
  /// The CPU whose queue it lives in. Chosen once, from its affinity, when the task is made.
  public let cpu: Reference<PhysicalCPU<A>>
  public let urgency: TaskUrgency

  /// Written by its own CPU and by wakers; every transition is a compare-and-exchange or an exchange
  /// (sequentially consistent: a waker's condition is visible before the state says *ready*).
  let state: Atomic<TaskState>

  /// Saved by `switchStack`; touched by its CPU alone.
  var stackPointer: UInt
  let stack: TaskStack?
  let body: () -> Void

  /// Link of the run queue, guarded by the CPU's `runQueue`.
  var next: Reference<Task<A>>?
  /// The moment at which the task's CPU wakes it, in ticks; `.max` for never. Touched by its CPU alone.
  var deadline: UInt64 = .max
  /// Link of the CPU's list of deadlines, earliest first. Touched by its CPU alone.
  var nextDeadline: Reference<Task<A>>?

  init(
    name: LogText, cpu: Reference<PhysicalCPU<A>>, urgency: TaskUrgency, stack: TaskStack?, state: TaskState,
    body: @escaping () -> Void
  ) {
    self.name = name
    self.cpu = cpu
    self.urgency = urgency
    self.stack = stack
    self.body = body
    self.state = Atomic(state)
    stackPointer = stack?.initialPointer ?? 0
  }
}

/// Who goes first when both can: `system` tasks do little and seldom.
public enum TaskUrgency: UInt8, Sendable {
  case system
  case guest
}

enum TaskState: UInt8, AtomicRepresentable {
  /// In its CPU's run queue.
  case ready
  /// On its CPU.
  case running
  /// Still on its CPU, about to wait: a waker turns this into `running`, and the wait looks at its condition again.
  case parking
  /// Waiting, in no queue.
  case parked
  /// Its body has returned.
  case ended
}
