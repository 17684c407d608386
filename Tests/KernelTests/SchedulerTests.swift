import Kernel
import Simulation
import Synchronization
import Testing

private typealias A = SimulatedArchitecture
private typealias Tasks = Scheduler<SimulatedArchitecture>

/// A guest as the scheduler sees it: computes until an interrupt, whatever it is, and lets the scheduler have its turn.
private func compute(until isDone: () -> Bool) {
  while !isDone() {
    if A.currentCPU.value.isRescheduleNeeded {
      Tasks.reschedule()
    } else {
      A.computeUntilInterrupt()
      A.handleInterrupts()
    }
  }
}

/// What the tasks of a run share. The baton keeps accesses apart.
private final class Board {
  var made = 0
  var taken = 0
  var ended = 0
  var waiter: Reference<Task<A>>?
  var log: [Int] = []
  var spent: [UInt64] = []
}

@Suite struct SchedulerTests {
  /// Starts a task on a CPU that the seed chooses.
  private static func spawn(
    _ simulation: Simulation, on cpu: Int? = nil, _ urgency: TaskUrgency = .guest, _ body: @escaping () -> Void
  ) -> Reference<Task<A>>? {
    let areas = simulation.areas
    let place = cpu ?? Int.random(in: 0..<areas.count, using: &simulation.generator)
    let task = Tasks.spawn(name: "task", on: areas[place], urgency: urgency, body: body)
    if task == nil { simulation.fail("no memory for a task") }
    return task
  }

  /// Waits for `board.ended` to reach `count`.
  private static func wait(for count: Int, on board: Board) {
    board.waiter = Tasks.current
    Tasks.park { board.ended == count }
    board.waiter = nil
  }

  private static func end(_ board: Board) {
    board.ended += 1
    if let waiter = board.waiter { Tasks.wake(waiter) }
  }

  @Test func noWakeUpIsLost() {
    let failures = Simulation.forEachSeed(perMille: 100) { seed in
      Simulation.run(seed: seed, cpus: 1 + Int(seed % 3)) { simulation in
        let board = Board()
        let consumer = Self.spawn(simulation) {
          for turn in 1...12 {
            Tasks.park { board.made >= turn }
            board.taken += 1
            if let waiter = board.waiter { Tasks.wake(waiter) }
          }
          Self.end(board)
        }
        let producers = (0..<3).map { _ in
          Self.spawn(simulation) {
            for _ in 0..<4 {
              if Bool.random(using: &simulation.generator) { Tasks.yield() }
              board.made += 1
              if let consumer { Tasks.wake(consumer) }
            }
            Self.end(board)
          }
        }
        if producers.count == 3 { Self.wait(for: 4, on: board) }
        if board.taken != 12 { simulation.fail("\(board.taken) of 12 were taken") }
      }
    }
    #expect(failures == [])
  }

  @Test func aWaitEndsAtItsDeadlineOrWithItsConditionWhicheverIsFirst() {
    let failures = Simulation.forEachSeed(perMille: 100) { seed in
      Simulation.run(seed: seed, cpus: 2) { simulation in
        let board = Board()
        for _ in 0..<4 {
          let task = Self.spawn(simulation) {
            for _ in 0..<4 {
              let deadline = A.counter + UInt64.random(in: 0...400, using: &simulation.generator)
              let goal = board.made + Int.random(in: 0...2, using: &simulation.generator)
              let held = Tasks.park(deadline: deadline) { board.made >= goal }
              let now = simulation.time
              if held && board.made < goal { simulation.fail("a wait ended without its condition") }
              if !held && now < deadline { simulation.fail("a wait ended \(deadline - now) ticks early") }
            }
            Self.end(board)
          }
          let waker = Self.spawn(simulation) {
            Tasks.park(deadline: A.counter + UInt64.random(in: 0...600, using: &simulation.generator)) { false }
            board.made += 1
            if let task, board.ended == 0 { Tasks.wake(task) }
            Self.end(board)
          }
          if waker == nil { return }
        }
        Self.wait(for: 8, on: board)
      }
    }
    #expect(failures == [])
  }

  @Test func aWaitOnAnIdleMachineEndsWithinAMillisecondOfItsDeadline() {
    let failures = Simulation.forEachSeed(perMille: 40) { seed in
      Simulation.run(seed: seed, cpus: 2) { simulation in
        for _ in 0..<20 {
          let deadline = A.counter + UInt64.random(in: 0...5000, using: &simulation.generator)
          Tasks.park(deadline: deadline) { false }
          if simulation.time > deadline + 100 { simulation.fail("\(simulation.time - deadline) ticks late") }
        }
      }
    }
    #expect(failures == [])
  }

  @Test func anAlarmMakesAGuestExitInTimeAndItsWithdrawalLeavesTheOtherDeadlines() {
    let failures = Simulation.forEachSeed(perMille: 40) { seed in
      Simulation.run(seed: seed, cpus: 1) { simulation in
        let board = Board()
        let guest = Self.spawn(simulation) {
          for _ in 0..<6 {
            let alarm = A.counter + UInt64.random(in: 0...1000, using: &simulation.generator)
            Tasks.setAlarm(deadline: alarm)
            if Bool.random(using: &simulation.generator) { Tasks.setAlarm(deadline: .max) }
            Tasks.setAlarm(deadline: alarm + 10)
            compute { simulation.time >= alarm + 10 }
            if simulation.time > alarm + 600 { simulation.fail("an alarm was late") }
          }
          Self.end(board)
        }
        let sleeper = Self.spawn(simulation, .system) {
          for _ in 0..<20 { Tasks.park(deadline: A.counter + 77) { false } }
          Self.end(board)
        }
        if guest != nil, sleeper != nil { Self.wait(for: 2, on: board) }
      }
    }
    #expect(failures == [])
  }

  @Test func guestsOnOneCPUGetEqualShares() {
    let failures = Simulation.forEachSeed(perMille: 20) { seed in
      Simulation.run(seed: seed, cpus: 1) { simulation in
        let board = Board()
        let count = 2 + Int(seed % 4)
        let slice = A.counterFrequencyHz / 200
        let end = simulation.time + slice * UInt64(20 * count)
        board.spent = Array(repeating: 0, count: count)
        for index in 0..<count {
          let task = Self.spawn(simulation) {
            while simulation.time < end {
              if A.currentCPU.value.isRescheduleNeeded {
                Tasks.reschedule()
              } else {
                let start = simulation.time
                A.computeUntilInterrupt()
                board.spent[index] += simulation.time - start
                A.handleInterrupts()
              }
            }
            Self.end(board)
          }
          if task == nil { return }
        }
        Self.wait(for: count, on: board)
        let most = board.spent.max() ?? 0
        let least = board.spent.min() ?? 0
        // A turn ends with the piece of computation in which its slice ends, so shares drift apart a little.
        if most - least > 4 * slice { simulation.fail("shares of \(board.spent) ticks") }
      }
    }
    #expect(failures == [])
  }

  @Test func aSystemTaskGoesBeforeEveryGuest() {
    let failures = Simulation.forEachSeed(perMille: 40) { seed in
      Simulation.run(seed: seed, cpus: 1 + Int(seed % 2)) { simulation in
        let board = Board()
        let goal = 8
        for index in 0..<3 {
          let task = Self.spawn(simulation, on: 0) {
            compute {
              board.log.append(index)
              return board.taken >= goal
            }
            Self.end(board)
          }
          if task == nil { return }
        }
        let system = Self.spawn(simulation, on: 0, .system) {
          for turn in 1...goal {
            Tasks.park { board.made >= turn }
            // Between the wake-up and here nobody but the guest that was interrupted has had a turn.
            if Set(board.log).count > 1 { simulation.fail("guests \(board.log) went first") }
            board.taken = turn
            if let waiter = board.waiter { Tasks.wake(waiter) }
          }
          Self.end(board)
        }
        guard let system else { return }
        board.waiter = Tasks.current
        for turn in 1...goal {
          Tasks.park(deadline: A.counter + UInt64.random(in: 0...900, using: &simulation.generator)) { false }
          board.log = []
          board.made = turn
          Tasks.wake(system)
          Tasks.park { board.taken >= turn }
        }
        Self.wait(for: 4, on: board)
      }
    }
    #expect(failures == [])
  }

  @Test func longWorkOfASystemTaskLetsGuestsGoOn() {
    let failures = Simulation.forEachSeed(perMille: 10) { seed in
      Simulation.run(seed: seed, cpus: 1) { simulation in
        let board = Board()
        let guest = Self.spawn(simulation) {
          compute {
            board.made += 1
            return board.taken == 40
          }
          Self.end(board)
        }
        guard guest != nil else { return }
        for _ in 0..<40 {
          // A piece of work that takes a millisecond.
          let end = simulation.time + 100
          while simulation.time < end { A.relax() }
          Tasks.preemptionPoint()
          board.taken += 1
        }
        if board.made < 3 { simulation.fail("the guest had \(board.made) turns") }
        Self.wait(for: 1, on: board)
      }
    }
    #expect(failures == [])
  }

  @Test func tasksThatEndGiveTheirStacksBack() {
    let failures = Simulation.forEachSeed(perMille: 40) { seed in
      Simulation.run(seed: seed, cpus: 1 + Int(seed % 3)) { simulation in
        let before = simulation.frames.allocatedByteCount
        let stacks = simulation.stackCount
        let board = Board()
        for round in 1...3 {
          for _ in 0..<4 {
            let task = Self.spawn(simulation, Bool.random(using: &simulation.generator) ? .guest : .system) {
              if Bool.random(using: &simulation.generator) { Tasks.setAlarm(deadline: A.counter + 50) }
              if Bool.random(using: &simulation.generator) { Tasks.yield() }
              Self.end(board)
            }
            if task == nil { return }
          }
          Self.wait(for: 4 * round, on: board)
          // A stack goes back when its CPU is off it.
          Tasks.park(deadline: A.counter + 2000) { simulation.stackCount == stacks }
        }
        if simulation.stackCount != stacks { simulation.fail("\(simulation.stackCount - stacks) stacks are left") }
        if simulation.frames.allocatedByteCount != before { simulation.fail("frames are left") }
      }
    }
    #expect(failures == [])
  }

  @Test func aTaskThatHasNoMemoryForItsStackIsNotMade() {
    let failures = Simulation.run(seed: 1, cpus: 1, memoryByteCount: 64 << 10) { simulation in
      var made = 0
      while Tasks.spawn(name: "idle", on: simulation.areas[0], urgency: .guest, body: { Tasks.yield() }) != nil {
        made += 1
      }
      if made == 0 || made > 16 { simulation.fail("\(made) tasks were made") }
      while simulation.stackCount > 1 { Tasks.preemptionPoint() }
    }
    #expect(failures == [])
  }
}

@Suite struct SimulationTests {
  /// What one run of a seed did, step by step.
  private static func trace(_ seed: UInt64) -> [UInt64] {
    let trace = Mutex<[UInt64]>([])
    let failures = Simulation.run(seed: seed, cpus: 3) { simulation in
      let board = Board()
      simulation.watch = { trace.withLock { $0.append(simulation.time) } }
      for index in 0..<5 {
        let task = Tasks.spawn(name: "task", on: simulation.areas[index % 3], urgency: .guest) {
          for _ in 0..<5 { Tasks.park(deadline: A.counter + UInt64(index) * 9) { false } }
          board.ended += 1
        }
        if task == nil { return }
      }
      while board.ended < 5 { Tasks.park(deadline: A.counter + 20) { false } }
    }
    return failures.isEmpty ? trace.withLock { $0 } : []
  }

  @Test func aSeedGivesTheSameRunEveryTime() {
    for seed in UInt64(0)..<20 {
      let first = Self.trace(seed)
      #expect(!first.isEmpty)
      #expect(Self.trace(seed) == first)
    }
  }

  @Test func otherSeedsGiveOtherRuns() {
    #expect(Set((UInt64(0)..<20).map { Self.trace($0) }).count > 15)
  }

  @Test func aMachineThatWaitsForNothingIsNoticed() {
    let failures = Simulation.run(seed: 3, cpus: 2) { _ in Tasks.park { false } }
    #expect(failures.count == 1)
  }
}
