import Synchronization

/// What CPU 0 orders another CPU to do. Numbers from 100 are the architecture's own.
public enum Order: Int {
  case none = 0
  /// Add 1 to `sharedCounter`, `Order.additionCount` times.
  case add = 1
  /// Take one timer interrupt.
  case timer = 2
  /// Send CPU 0 an interrupt.
  case interrupt = 3
  /// Switch off.
  case stop = 4
  /// Work until the counter reaches `sharingDeadline`.
  case work = 5

  static let additionCount = 1000
}

/// What all CPUs add to at the same time.
let sharedCounter = Atomic<UInt64>(0)

/// Where every CPU but the first spends its life: sleeps, carries out an order, sleeps again.
public func secondaryMain(on machine: any GuestMachine, hardwareID: UInt64) {
  let me = machine.currentCPU
  machine.cpus[me].order.store(0, ordering: .relaxed)
  machine.cpus[me].hardwareID.store(hardwareID, ordering: .relaxed)
  machine.cpus[me].readyTime.store(machine.counter, ordering: .relaxed)
  machine.cpus[me].startCount.wrappingAdd(1, ordering: .releasing)
  while true {
    machine.sleep { machine.cpus[me].order.load(ordering: .relaxed) != 0 }
    let order = machine.cpus[me].order.load(ordering: .acquiring)
    carryOut(order, on: machine)
    machine.cpus[me].order.store(0, ordering: .releasing)
  }
}

private func carryOut(_ number: Int, on machine: any GuestMachine) {
  switch Order(rawValue: number) {
  case .some(.none): break
  case .add:
    for _ in 0..<Order.additionCount { sharedCounter.wrappingAdd(1, ordering: .relaxed) }
  case .timer: _ = takeTimerInterrupt(on: machine)
  case .interrupt: machine.sendInterrupt(.test, to: 0)
  case .stop: machine.stopCurrentCPU()
  case .work: work(on: machine)
  case nil: machine.carryOut(number)
  }
}

/// Sets the current CPU's timer a millisecond ahead and sleeps until it has come.
/// - Returns: whether it came, and not early.
func takeTimerInterrupt(on machine: any GuestMachine) -> Bool {
  let me = machine.currentCPU
  let before = machine.cpus[me].timerInterruptCount.load(ordering: .relaxed)
  let deadline = machine.counter &+ machine.counterFrequencyHz / 1000
  machine.setTimer(at: deadline)
  while machine.cpus[me].timerInterruptCount.load(ordering: .relaxed) == before {
    machine.sleep { machine.cpus[me].timerInterruptCount.load(ordering: .relaxed) != before }
  }
  return machine.cpus[me].timerInterruptTime.load(ordering: .relaxed) >= deadline
}

extension GuestMachine {
  /// Gives a CPU an order and waits until it is carried out, two seconds at most.
  public func order(_ order: Int, to cpu: Int) -> Bool {
    cpus[cpu].order.store(order, ordering: .releasing)
    sendInterrupt(.wake, to: cpu)
    return wait(milliseconds: 2000) { self.cpus[cpu].order.load(ordering: .acquiring) == 0 }
  }

  /// Starts a CPU and waits until it is in `secondaryMain`, two seconds at most.
  public func bringUp(cpu: Int) -> Bool {
    let before = cpus[cpu].startCount.load(ordering: .relaxed)
    return start(cpu: cpu)
      && wait(milliseconds: 2000) { self.cpus[cpu].startCount.load(ordering: .acquiring) == before + 1 }
  }
}
