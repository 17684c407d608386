import Synchronization

/// Runs tasks on physical CPUs: each CPU its own queue, round-robin with time slices among guests.
///
/// A CPU gives up its task only inside these functions: the hypervisor's own code is never preempted, a guest always is
/// (its exits end here when `PhysicalCPU.isRescheduleNeeded`).
public enum Scheduler<A: CPUArchitecture> {
  /// How long a guest runs while another waits for the same CPU, in ticks.
  static var timeSlice: UInt64 { A.counterFrequencyHz / 200 }

  // MARK: - Making tasks

  /// Makes a task that runs `body` once on `cpu`; ready at once. Nil where there is no memory for its stack. Set-up only.
  public static func spawn(
    name: LogText, on cpu: Reference<PhysicalCPU<A>>, urgency: TaskUrgency, body: @escaping () -> Void
  ) -> Reference<Task<A>>? {
    // The record must be in place before its stack can name it.
    let memory = UnsafeMutablePointer<Task<A>>.allocate(capacity: 1)
    let argument = UInt(bitPattern: memory)
    guard let stack = A.makeStack(argument: argument) else {
      unsafe memory.deallocate()
      return nil
    }
    unsafe memory.initialize(
      to: Task(name: name, cpu: cpu, urgency: urgency, stack: stack, state: .parked, body: body))
    // SAFETY: initialised just above; it ends in `reap`, after its body has returned.
    let task = unsafe Reference(memory)
    wake(task)
    return task
  }

  /// Makes this CPU's boot context its idle task. Called once on each CPU before anything else here.
  public static func adoptBootContext(as cpu: Reference<PhysicalCPU<A>>) {
    let task = Reference.make(
      Task<A>(name: "idle", cpu: cpu, urgency: .guest, stack: nil, state: .running, body: {}))
    cpu.value.idleTask = task
    cpu.value.currentTask = task
  }

  /// The idle task's life: runs whatever is ready, else waits for an interrupt.
  public static func idle() -> Never {
    while true {
      let cpu = A.currentCPU
      reschedule()
      armTimer(cpu)
      if cpu.value.readyCount.load(ordering: .sequentiallyConsistent) == 0 { A.waitForInterrupt() }
    }
  }

  /// What runs first on a stack that `A.makeStack(argument:)` has made, with its argument.
  public static func enterTask(argument: UInt) -> Never {
    guard let place = unsafe UnsafeMutablePointer<Task<A>>(bitPattern: argument) else {
      fatalError("a task without a record")
    }
    // SAFETY: `argument` is the address that `spawn` gave to `makeStack`.
    let task = unsafe Reference(place)
    finishSwitch()
    task.value.body()
    removeDeadline(task, on: task.value.cpu)
    task.value.state.store(.ended, ordering: .sequentiallyConsistent)
    A.currentCPU.value.endedTask = task
    switchToNext()
    fatalError("an ended task ran again")
  }

  // MARK: - Waiting and waking

  /// The task that runs on this CPU.
  public static var current: Reference<Task<A>> {
    guard let task = A.currentCPU.value.currentTask else { fatalError("no task on this CPU yet") }
    return task
  }

  /// Waits until `condition` holds, or until `counter` reaches `deadline`. The condition is looked at once more after each
  /// `wake(_:)`; whoever makes it true must wake this task afterwards.
  /// - Returns: whether the condition held.
  @discardableResult
  public static func park(deadline: UInt64 = .max, until condition: () -> Bool) -> Bool {
    let task = current
    let cpu = A.currentCPU
    removeDeadline(task, on: cpu)
    if deadline != .max { insertDeadline(task, at: deadline, on: cpu) }
    defer { removeDeadline(task, on: cpu) }
    while true {
      task.value.state.store(.parking, ordering: .sequentiallyConsistent)
      let isMet = condition()
      if isMet || A.counter >= deadline {
        task.value.state.store(.running, ordering: .sequentiallyConsistent)
        return isMet
      }
      switchToNext()
    }
  }

  /// Makes a parked task ready; nothing where it is not parked. From any CPU.
  public static func wake(_ task: Reference<Task<A>>) {
    while true {
      switch task.value.state.load(ordering: .sequentiallyConsistent) {
      case .ready, .running, .ended: return
      case .parking:
        if task.value.state.compareExchange(
          expected: .parking, desired: .running, ordering: .sequentiallyConsistent
        ).exchanged {
          return
        }
      case .parked:
        if task.value.state.compareExchange(
          expected: .parked, desired: .ready, ordering: .sequentiallyConsistent
        ).exchanged {
          enqueue(task)
          return
        }
      }
    }
  }

  /// Lets the others on this CPU have a turn.
  public static func yield() { yield(as: current.value.urgency) }

  private static func yield(as urgency: TaskUrgency) {
    let task = current
    A.currentCPU.value.needsReschedule.store(false, ordering: .relaxed)
    guard A.currentCPU.value.readyCount.load(ordering: .sequentiallyConsistent) > 0 else { return }
    task.value.state.store(.ready, ordering: .sequentiallyConsistent)
    append(task, as: urgency)
    switchToNext()
  }

  /// For long work outside of a guest, every millisecond or so: looks after the timer, whose interrupt is masked, and lets
  /// the others have their turns. Whatever its urgency, the task waits for its next turn as a guest does.
  public static func preemptionPoint() {
    if A.currentCPU.value.armedDeadline <= A.counter { timerFired() }
    reschedule(as: .guest)
  }

  // MARK: - Time

  /// This CPU's timer has fired: wakes the tasks that are due, and ends the time slice that is over.
  public static func timerFired() {
    let cpu = A.currentCPU
    let now = A.counter
    cpu.value.armedDeadline = 0  // past: whatever comes next must be written, or the timer's line stays up
    while let first = cpu.value.firstDeadline, first.value.deadline <= now {
      cpu.value.firstDeadline = first.value.nextDeadline
      first.value.nextDeadline = nil
      first.value.deadline = .max
      wake(first)
    }
    let isSliceOver = cpu.value.sliceEnd <= now
    if isSliceOver { cpu.value.needsReschedule.store(true, ordering: .relaxed) }
    // A slice that is over has done its part; the timer's line would stay up.
    armTimer(cpu, sliceEnd: isSliceOver ? .max : cpu.value.sliceEnd)
  }

  /// Makes this CPU's timer fire at `deadline` at the latest while the current task goes on, so that its guest exits.
  /// `.max` withdraws it, and the next wait forgets it.
  public static func setAlarm(deadline: UInt64) {
    let task = current
    guard task.value.deadline != deadline else { return }
    let cpu = A.currentCPU
    removeDeadline(task, on: cpu)
    // A task without a deadline is in no list: it could not be found there again.
    if deadline != .max { insertDeadline(task, at: deadline, on: cpu) }
  }

  /// - Parameter deadline: Not `.max`, which says that the task is not in the list.
  private static func insertDeadline(
    _ task: Reference<Task<A>>, at deadline: UInt64, on cpu: Reference<PhysicalCPU<A>>
  ) {
    task.value.deadline = deadline
    guard let first = cpu.value.firstDeadline, first.value.deadline <= deadline else {
      task.value.nextDeadline = cpu.value.firstDeadline
      cpu.value.firstDeadline = task
      armTimer(cpu)
      return
    }
    var previous = first
    while let next = previous.value.nextDeadline, next.value.deadline <= deadline { previous = next }
    task.value.nextDeadline = previous.value.nextDeadline
    previous.value.nextDeadline = task
  }

  private static func removeDeadline(_ task: Reference<Task<A>>, on cpu: Reference<PhysicalCPU<A>>) {
    guard task.value.deadline != .max else { return }
    task.value.deadline = .max
    guard let first = cpu.value.firstDeadline else { return }
    if first == task {
      cpu.value.firstDeadline = task.value.nextDeadline
    } else {
      var previous = first
      while let next = previous.value.nextDeadline, next != task { previous = next }
      previous.value.nextDeadline = task.value.nextDeadline
    }
    task.value.nextDeadline = nil
  }

  /// Sets the hardware timer to the earliest of this CPU's deadlines and the end of the time slice.
  private static func armTimer(_ cpu: Reference<PhysicalCPU<A>>) { armTimer(cpu, sliceEnd: cpu.value.sliceEnd) }

  private static func armTimer(_ cpu: Reference<PhysicalCPU<A>>, sliceEnd: UInt64) {
    let deadline = min(cpu.value.firstDeadline?.value.deadline ?? .max, sliceEnd)
    guard deadline != cpu.value.armedDeadline else { return }
    cpu.value.armedDeadline = deadline
    A.setTimer(deadline: deadline)
  }

  // MARK: - Switching

  /// Somebody has asked for the scheduler on this CPU: a time slice begins or ends, or a `system` task is ready.
  public static func reschedule() { reschedule(as: current.value.urgency) }

  private static func reschedule(as urgency: TaskUrgency) {
    let cpu = A.currentCPU
    cpu.value.needsReschedule.store(false, ordering: .sequentiallyConsistent)
    guard cpu.value.readyCount.load(ordering: .sequentiallyConsistent) > 0 else {
      cpu.value.sliceEnd = .max
      armTimer(cpu)
      return
    }
    if current == cpu.value.idleTask { return switchToNext() }
    if !cpu.value.runQueue.withLock({ $0.hasSystemTask }) {
      if cpu.value.sliceEnd == .max { return startSlice(cpu) }
      if A.counter < cpu.value.sliceEnd { return }
    }
    yield(as: urgency)
  }

  private static func startSlice(_ cpu: Reference<PhysicalCPU<A>>) {
    cpu.value.sliceEnd =
      cpu.value.readyCount.load(ordering: .relaxed) > 0 ? A.counter &+ timeSlice : .max
    armTimer(cpu)
  }

  private static func append(_ task: Reference<Task<A>>, as urgency: TaskUrgency) {
    let cpu = task.value.cpu
    cpu.value.runQueue.withLock { queue in
      queue.append(task, as: urgency)
      cpu.value.readyCount.add(1, ordering: .sequentiallyConsistent)
    }
  }

  private static func enqueue(_ task: Reference<Task<A>>) {
    let cpu = task.value.cpu
    append(task, as: task.value.urgency)
    cpu.value.needsReschedule.store(true, ordering: .sequentiallyConsistent)
    if cpu != A.currentCPU { A.notify(cpu: cpu) }
  }

  /// Leaves the current task, whose state says why, for the next ready one or the idle task.
  private static func switchToNext() {
    let cpu = A.currentCPU
    let previous = current
    if previous.value.state.compareExchange(
      expected: .parking, desired: .parked, ordering: .sequentiallyConsistent
    ).original == .running, previous != cpu.value.idleTask {
      return  // woken while it was on its way
    }
    guard let next = takeNext(cpu) else { return }
    next.value.state.store(.running, ordering: .sequentiallyConsistent)
    startSlice(cpu)
    if next == previous { return }
    cpu.value.currentTask = next
    // SAFETY: `next` was taken from this CPU's queue, so it was saved here and runs nowhere else.
    unsafe A.switchStack(saving: &previous.value.stackPointer, to: next.value.stackPointer)
    finishSwitch()
  }

  private static func takeNext(_ cpu: Reference<PhysicalCPU<A>>) -> Reference<Task<A>>? {
    let next = cpu.value.runQueue.withLock { queue in
      let task = queue.popFirst()
      if task != nil { cpu.value.readyCount.subtract(1, ordering: .sequentiallyConsistent) }
      return task
    }
    return next ?? cpu.value.idleTask
  }

  /// On the new task's stack: gives back the stack of a task that has ended here.
  private static func finishSwitch() {
    let cpu = A.currentCPU
    guard let ended = cpu.value.endedTask else { return }
    cpu.value.endedTask = nil
    // SAFETY: the task has ended, this CPU is off its stack, and a task is only ever on its own CPU.
    if let stack = ended.value.stack { unsafe A.freeStack(stack) }
    unsafe ended.destroy()
  }
}
