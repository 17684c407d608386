import Kernel
import Simulation
import Testing
import Virtualization

@testable import VMM

/// What a vCPU was told to do, and how it went.
private final class Record {
  var targets: [UInt64] = []
  var hadMemory: [Bool] = []
}

@Suite struct VCPUTests {
  /// vCPUs start each other and turn themselves off, all at once, until the first one has had enough.
  @Test func ofTwoThatStartAVCPUOneWinsAndEveryCallIsAnsweredAsTheStandardSays() {
    let failures = Simulation.forEachSeed(perMille: 60) { seed in
      let count = 4
      let records = (0..<count).map { _ in Record() }
      return TestSystem.run(
        seed: seed, cpus: 1 + Int(seed % 4), vms: [testVM("vm", vcpus: count)], isGood: true,
        guest: { system, vcpu in
          let index = vcpu.value.index
          if index == 0, vcpu.value.state.steps > 40 { return .systemDown(.powerOff) }
          switch system.random(0...9) {
          case 0...3:
            let target = system.random(0...UInt64(count))
            let hasMemory = system.random(0...9) > 0
            records[index].targets.append(target)
            records[index].hadMemory.append(hasMemory)
            return hasMemory ? .cpuUp(target) : .cpuUpAtNoMemory(target)
          case 4: return index == 0 ? .yield : .cpuDown
          case 5: return .halt(system.random(0...50))
          case 6: return .interrupt(Int(system.random(0...UInt64(count - 1))))
          default: return .compute(system.random(0...100))
          }
        },
        atEnd: { system in
          var starts = Array(repeating: 0, count: count)
          starts[0] = 1
          for index in 0..<count {
            let answers = system.vm(0).value.vcpus[index].value.state.answers
            if answers.count != records[index].targets.count { system.simulation.fail("a call has no answer") }
            for (number, answer) in answers.enumerated() {
              let target = records[index].targets[number]
              let isRight: Bool
              if target >= UInt64(count) {
                isRight = answer == .invalidParameters
              } else if !records[index].hadMemory[number] {
                isRight = answer == .invalidAddress
              } else if target == UInt64(index) {
                isRight = answer == .alreadyOn
              } else {
                isRight = [.success, .alreadyOn, .onPending].contains(answer)
                if answer == .success { starts[Int(target)] += 1 }
              }
              if !isRight { system.simulation.fail("vCPU \(index) starts \(target): \(answer)") }
            }
          }
          for index in 0..<count {
            let state = system.vm(0).value.vcpus[index].value.state
            if state.activations != starts[index] {
              system.simulation.fail("vCPU \(index): \(starts[index]) starts, \(state.activations) activations")
            }
            if index > 0, state.activations > 0, state.argument != UInt64(index) {
              system.simulation.fail("vCPU \(index) has the argument \(state.argument)")
            }
          }
        })
    }
    #expect(failures == [])
  }

  @Test func aVMWhoseLastVCPUTurnsItselfOffHasShutDown() {
    let failures = Simulation.forEachSeed(perMille: 20) { seed in
      TestSystem.run(
        seed: seed, cpus: 2, vms: [testVM("vm", vcpus: 3)], isGood: true,
        guest: { system, vcpu in
          if vcpu.value.index == 0, vcpu.value.state.steps <= 2 { return .cpuUp(UInt64(vcpu.value.state.steps)) }
          return system.random(0...4) == 0 ? .cpuDown : .compute(50)
        },
        operate: { system in
          // A pause in between must not hide it.
          if system.random(0...1) == 0, system.perform(.pause) == .done { _ = system.perform(.resume) }
        },
        atEnd: { system in system.wait("its line") { system.shown.contains("vm vm: shut down") } })
    }
    #expect(failures == [])
  }

  @Test func anInterruptEndsEveryWaitForOne() {
    let failures = Simulation.forEachSeed(perMille: 30) { seed in
      TestSystem.run(
        seed: seed, cpus: 1 + Int(seed % 2), vms: [testVM("vm", vcpus: 2)], isGood: true,
        guest: { system, vcpu in
          // Two vCPUs wake each other by turns; neither has a timer, and one wake-up lost is the end.
          let state = vcpu.value.state
          let isFirst = vcpu.value.index == 0
          if isFirst, state.steps == 1 { return .cpuUp(1) }
          if isFirst, state.interrupts >= 10 { return .systemDown(.powerOff) }
          // The second one begins: before that it may not be on yet.
          guard isFirst ? state.interrupts > state.written : state.interrupts == state.written else {
            return .halt(nil)
          }
          state.written += 1
          return .interrupt(isFirst ? 1 : 0)
        })
    }
    #expect(failures == [])
  }

  @Test func sixteenVCPUsOnOneCPUShareItFairly() {
    let failures = Simulation.forEachSeed(perMille: 1) { seed in
      TestSystem.run(
        seed: seed, cpus: 1, vms: [testVM("vm", vcpus: 16, autostart: false)], stepLimit: 1_000_000,
        guest: { _, vcpu in
          let step = vcpu.value.state.steps
          return vcpu.value.index == 0 && step <= 15 ? .cpuUp(UInt64(step)) : .computeForEver
        },
        operate: { system in
          system.require(.start)
          let vcpus = system.vm(0).value.vcpus
          system.wait("the start of all") { vcpus.allSatisfy { $0.value.state.spent > 0 } }
          let before = vcpus.map { $0.value.state.spent }
          // Twenty turns of a time slice each.
          system.sleep(20 * 16 * A.counterFrequencyHz / 200)
          let spent = zip(vcpus, before).map { $0.value.state.spent - $1 }
          let total = spent.reduce(0, +)
          let shares = spent.map { Double($0 * 10_000 / total) / 100 }
          if seed == 0 { print("shares of 16 vCPUs on one CPU, in percent: \(shares)") }
          // An even share is 6.25 %.
          if shares.contains(where: { $0 < 5.25 || $0 > 7.25 }) { system.simulation.fail("shares: \(shares)") }
          system.require(.stop)
        })
    }
    #expect(failures == [])
  }

  @Test func aGuestThatNeverExitsKeepsNoOtherFromItsCPU() {
    let failures = Simulation.forEachSeed(perMille: 20) { seed in
      TestSystem.run(
        seed: seed, cpus: 1, vms: [testVM("greedy", autostart: false), testVM("meek")],
        guest: { system, vcpu in
          if vcpu.value.vm.value.id == 0 { return .computeForEver }
          if vcpu.value.state.steps > 20 { return .systemDown(.powerOff) }
          return vcpu.value.state.steps % 2 == 0 ? .halt(system.random(0...200)) : .compute(20)
        },
        operate: { system in
          system.require(.start)
          system.wait("the end of the other") { system.state(1) == .stopped }
          system.require(.stop)
        })
    }
    #expect(failures == [])
  }
}
