import Kernel
import Manifest
import Simulation
import Synchronization
import Testing
import Virtualization

@testable import VMM

/// What a guest does that has no end of its own: all vCPUs up, and then a little of everything.
func livelyGuest(_ system: TestSystem, _ vcpu: Reference<VCPU<A>>) -> GuestStep {
  let count = UInt64(vcpu.value.vm.value.vcpus.count)
  switch system.random(0...9) {
  case 0: return .cpuUp(system.random(0...count))
  case 1: return .cpuUpAtNoMemory(system.random(0...count))
  case 2: return vcpu.value.index == 0 ? .yield : .cpuDown
  case 3: return .halt(system.random(0...400))
  case 4: return .interrupt(Int(system.random(0...(count - 1))))
  case 5: return .special
  case 6: return .write(UInt8(system.random(0x61...0x7a)))
  case 7: return .read
  default: return .compute(system.random(0...300))
  }
}

@Suite struct LifeTests {
  /// A pair of the table of states and commands.
  private struct Pair: Hashable {
    let state: VMState
    let command: VMCommand
  }

  /// The states in which an owner takes commands.
  private static let restingStates: [VMState] = [.ready, .running, .paused, .stopped, .failed, .destroyed]

  /// What the table says must become of a command.
  private static func expected(_ command: VMCommand, in state: VMState) -> (CommandResult, VMState) {
    switch state.transition(for: command) {
    case .alreadyDone: return (.alreadyDone, state)
    case .refused: return (.refused, state)
    case .perform:
      switch command {
      case .start, .resume: return (.done, .running)
      case .pause: return (.done, .paused)
      case .stop: return (.done, .stopped)
      case .reset: return (.done, state == .running || state == .paused ? .running : .ready)
      case .destroy: return (.done, .destroyed)
      }
    }
  }

  @Test func everyStateDoesWithEveryCommandWhatTheTableSays() {
    let seen = Mutex<Set<Pair>>([])
    let failures = Simulation.forEachSeed(perMille: 60) { seed in
      var isToStick = false
      var isStuck = false
      let cpus = 1 + Int(seed % 3)
      // Where there are three CPUs, the vCPUs have one on which nobody else runs.
      let vm = testVM("vm", vcpus: 1 + Int(seed % 4), cpu: cpus == 3 ? 1 : nil, autostart: false)
      return TestSystem.run(
        seed: seed, cpus: cpus, vms: [vm],
        guest: { system, vcpu in
          guard isToStick else { return livelyGuest(system, vcpu) }
          isToStick = false
          isStuck = true
          return .ignoreEverything { !isStuck }
        },
        operate: { system in
          var visited: Set<Pair> = []
          for _ in 0..<20 {
            if cpus == 3, system.state() == .running, system.random(0...4) == 0 {
              isToStick = true
              system.wait("the guest that does not come out") { isStuck }
              let result = system.perform(.stop, within: 3000)
              if system.state() != .failed { system.simulation.fail("a stop in vain: \(result), \(system.state())") }
              isStuck = false
            }
            // The last life is left to few.
            let last = VMCommand.allCases.count - (system.random(0...3) == 0 ? 1 : 2)
            let command = VMCommand.allCases[Int(system.random(0...UInt64(last)))]
            let state = system.state()
            visited.insert(Pair(state: state, command: command))
            let (result, next) = Self.expected(command, in: state)
            let found = system.perform(command)
            if found != result || system.state() != next {
              system.simulation.fail("\(command) in \(state): \(found), \(system.state())")
            }
            if system.random(0...1) == 0 { system.sleep(system.random(0...600)) }
          }
          if system.state() == .paused { system.require(.resume) }
          if system.state() == .running { system.require(.stop) }
          seen.withLock { $0.formUnion(visited) }
        })
    }
    #expect(failures == [])
    let all = Set(Self.restingStates.flatMap { state in VMCommand.allCases.map { Pair(state: state, command: $0) } })
    let missed = seen.withLock { all.subtracting($0) }
    // One seed alone, or a handful, cannot see everything.
    #expect(missed.isEmpty || Simulation.isShort)
  }

  @Test func statesOnTheWayRefuseEveryCommand() {
    for state in VMState.allCases where !Self.restingStates.contains(state) {
      for command in VMCommand.allCases { #expect(state.transition(for: command) == .refused) }
    }
  }

  @Test func commandsAreCarriedOutInOrder() {
    let failures = Simulation.forEachSeed(perMille: 30) { seed in
      TestSystem.run(
        seed: seed, cpus: 2, vms: [testVM("vm", vcpus: 2, autostart: false)], guest: livelyGuest,
        operate: { system in
          let owner = system.owner(0)
          for command in [.start, .pause, .resume, .reset, .pause, .stop] as [VMCommand] { owner.value.send(command) }
          system.wait("the last of the commands") { system.state() == .stopped }
          if owner.value.run.load(ordering: .relaxed) != 2 { system.simulation.fail("not two runs") }
        },
        atEnd: { system in
          system.sleep(500)
          for word in ["refused", "timed out"] where system.shown.contains(word) {
            system.simulation.fail(system.shown)
          }
        })
    }
    #expect(failures == [])
  }

  @Test func commandsBeyondTheQueueAreRefusedAndTheOthersCarriedOut() {
    let failures = Simulation.forEachSeed(perMille: 10) { seed in
      TestSystem.run(
        seed: seed, cpus: 3, vms: [testVM("vm", autostart: false)], guest: livelyGuest,
        operate: { system in
          var done = 0
          var results: [CommandResult] = []
          let waiter = Tasks.current
          for index in 0..<12 {
            let task = Tasks.spawn(name: "asks", on: system.simulation.areas[index % 3], urgency: .guest) {
              results.append(system.perform(.stop))
              done += 1
              Tasks.wake(waiter)
            }
            if task == nil { return system.simulation.fail("no memory for a task") }
          }
          Tasks.park { done == 12 }
          let refused = results.count { $0 == .refused }
          if results.count(where: { $0 == .done }) != 1 { system.simulation.fail("stopped not once: \(results)") }
          if refused > 4 || results.contains(.timedOut) { system.simulation.fail("\(results)") }
        })
    }
    #expect(failures == [])
  }

  @Test func aCommandWhoseTimeIsOverIsWithdrawn() {
    let failures = Simulation.forEachSeed(perMille: 20) { seed in
      var isToStick = false
      var isStuck = false
      return TestSystem.run(
        seed: seed, cpus: 3, vms: [testVM("vm", cpu: 1, autostart: false)],
        guest: { _, _ in
          guard isToStick else { return .compute(100) }
          isToStick = false
          isStuck = true
          return .ignoreEverything { !isStuck }
        },
        operate: { system in
          system.require(.start)
          isToStick = true
          system.wait("the guest that does not come out") { isStuck }
          // The owner is held up by a pause; what comes behind it and is not waited for is not carried out later.
          let waiter = Tasks.current
          var pause: CommandResult?
          let task = Tasks.spawn(name: "pauses", on: system.simulation.areas[0], urgency: .system) {
            pause = system.perform(.pause, within: 6000)
            Tasks.wake(waiter)
          }
          if task == nil { return system.simulation.fail("no memory for a task") }
          system.wait("the pause") { system.state() == .pausing }
          let stop = system.perform(.stop, within: 100)
          if stop != .timedOut { system.simulation.fail("the stop: \(stop)") }
          Tasks.park { pause != nil }
          if pause != .timedOut { system.simulation.fail("the pause: \(String(describing: pause))") }
          let entries = system.vm(0).value.vcpus[0].value.state.entries
          isStuck = false
          system.wait("the guest's return") { system.vm(0).value.vcpus[0].value.state.entries > entries }
          if system.state() != .running { system.simulation.fail("a VM whose pause failed is \(system.state())") }
          system.require(.stop)
        })
    }
    #expect(failures == [])
  }

  @Test func aMessageToAnEarlierRunIsDropped() {
    let failures = Simulation.forEachSeed(perMille: 20) { seed in
      TestSystem.run(
        seed: seed, cpus: 2, vms: [testVM("vm", vcpus: 2, autostart: false)], guest: livelyGuest,
        operate: { system in
          system.require(.start)
          system.require(.reset)
          let owner = system.owner(0)
          let late = owner.value.perform(.stop, in: 1)
          if late != .refused { system.simulation.fail("a late command: \(late)") }
          system.vm(0).value.requestStop(.shutDown, in: 1)
          system.sleep(1000)
          if system.state() != .running { system.simulation.fail("after a late request it is \(system.state())") }
          system.vm(0).value.requestStop(.shutDown, in: 2)
          system.wait("the end of the second run") { system.state() == .stopped }
        })
    }
    #expect(failures == [])
  }

  @Test func pausedTimeDoesNotPass() {
    let failures = Simulation.forEachSeed(perMille: 60) { seed in
      TestSystem.run(
        seed: seed, cpus: 1 + Int(seed % 3), vms: [testVM("vm", vcpus: 1 + Int(seed % 3), autostart: false)],
        guest: livelyGuest,
        operate: { system in
          system.require(.start)
          for _ in 0..<4 {
            system.sleep(system.random(0...700))
            system.require(.pause)
            let vm = system.vm(0)
            let clock = vm.value.state.clock(at: system.simulation.time)
            let entries = vm.value.vcpus.map { $0.value.state.entries }
            system.sleep(system.random(0...3000))
            if vm.value.vcpus.map({ $0.value.state.entries }) != entries { system.simulation.fail("a vCPU ran on") }
            if vm.value.state.clock(at: system.simulation.time) != clock { system.simulation.fail("its time went on") }
            let resumed = system.simulation.time
            system.require(.resume)
            let passed = system.simulation.time - resumed
            if vm.value.state.clock(at: system.simulation.time) > clock + passed {
              system.simulation.fail("its time jumped")
            }
          }
          system.require(.stop)
        })
    }
    #expect(failures == [])
  }

  @Test func aStopEndsEveryVMWhateverItsGuestDoes() {
    let failures = Simulation.forEachSeed(perMille: 100) { seed in
      TestSystem.run(
        seed: seed, cpus: 1 + Int(seed % 3), vms: [testVM("vm", vcpus: 3, autostart: false)], isGood: true,
        guest: { system, vcpu in
          if vcpu.value.index == 0, vcpu.value.state.steps <= 2 { return .cpuUp(UInt64(vcpu.value.state.steps)) }
          switch system.random(0...3) {
          case 0: return .computeForEver
          case 1: return .halt(nil)
          default: return livelyGuest(system, vcpu)
          }
        },
        operate: { system in
          system.require(.start)
          system.sleep(system.random(0...1500))
          if system.random(0...2) == 0 { _ = system.perform(.pause, within: system.random(0...300)) }
          system.require(.stop)
        })
    }
    #expect(failures == [])
  }

  @Test func aGuestThatEndsWhileItsVMIsPausedOrResetOrStoppedEndsWellAnyway() {
    let failures = Simulation.forEachSeed(perMille: 120) { seed in
      TestSystem.run(
        seed: seed, cpus: 1 + Int(seed % 3), vms: [testVM("vm", vcpus: 3, autostart: false)],
        guest: { system, vcpu in
          switch system.random(0...15) {
          case 0: return .systemDown(.powerOff)
          case 1: return .systemDown(.reset)
          case 2: return .fault
          case 3: return .stopWithCode(system.random(0...1))
          case 4: return .cpuDown
          default: return livelyGuest(system, vcpu)
          }
        },
        operate: { system in
          for _ in 0..<8 {
            let command = VMCommand.allCases[Int(system.random(0...4))]
            let result = system.perform(command)
            if result == .timedOut || result == .failed { system.simulation.fail("\(command): \(result)") }
            system.sleep(system.random(0...400))
          }
          if system.state() == .paused { _ = system.perform(.resume) }
          _ = system.perform(.stop)
        })
    }
    #expect(failures == [])
  }

  @Test func aVCPUThatDoesNotComeOutMakesItsVMFailAndTheHypervisorEnds() {
    let failures = Simulation.forEachSeed(perMille: 10) { seed in
      var isStuck = false
      var isOut = false
      return TestSystem.run(
        seed: seed, cpus: 3, vms: [testVM("bad", cpu: 1, autostart: false), testVM("good", cpu: 0)], isGood: false,
        guest: { system, vcpu in
          guard vcpu.value.vm.value.id == 0 else { return .systemDown(.powerOff) }
          isStuck = !isOut
          return isOut ? .halt(nil) : .ignoreEverything { isOut }
        },
        operate: { system in
          system.require(.start)
          system.wait("the guest that does not come out") { isStuck }
          let result = system.perform(.stop, within: 3000)
          isOut = true
          if result != .failed || system.state() != .failed { system.simulation.fail("\(result), \(system.state())") }
        },
        atEnd: { system in
          // In time for the end it has come out, so that all can be given back.
          system.wait("the line that tells of it") {
            system.shown.contains("vm bad: failed: a vCPU did not leave its guest in time")
          }
        })
    }
    #expect(failures == [])
  }
}
