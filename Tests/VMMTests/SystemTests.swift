import Kernel
import Simulation
import Testing
import Virtualization

@testable import VMM

@Suite struct SystemTests {
  @Test func systemDownFromSeveralVCPUsAtOnceAndTwiceEndsTheVMOnce() {
    let failures = Simulation.forEachSeed(perMille: 40) { seed in
      TestSystem.run(
        seed: seed, cpus: 1 + Int(seed % 3), vms: [testVM("a", vcpus: 3), testVM("b", vcpus: 2)], isGood: true,
        guest: { system, vcpu in
          let state = vcpu.value.state
          let count = vcpu.value.vm.value.vcpus.count
          if vcpu.value.index == 0, state.steps < count { return .cpuUp(UInt64(state.steps)) }
          // Whoever is asked after its call was not stopped by it: the call is made twice.
          return .systemDown(.powerOff)
        },
        atEnd: { system in
          for index in 0..<2 where system.owner(index).value.run.load(ordering: .relaxed) != 1 {
            system.simulation.fail("VM \(index) ran \(system.owner(index).value.run.load(ordering: .relaxed)) times")
          }
          system.wait("their lines") {
            system.shown.contains("vm a: shut down") && system.shown.contains("vm b: shut down")
          }
          if system.shown.ranges(of: "shut down").count != 2 { system.simulation.fail(system.shown) }
        })
    }
    #expect(failures == [])
  }

  @Test func aGuestThatAsksForResetsGetsThemOneByOne() {
    let failures = Simulation.forEachSeed(perMille: 30) { seed in
      let wanted = 1 + seed % 10
      return TestSystem.run(
        seed: seed, cpus: 1 + Int(seed % 3), vms: [testVM("vm", vcpus: 2)], isGood: true,
        guest: { system, vcpu in
          let state = vcpu.value.state
          if vcpu.value.index == 0, state.steps == 1 { return .cpuUp(1) }
          // Both ask, more or less at once.
          if state.steps < 3 { return .compute(system.random(0...60)) }
          return .systemDown(vcpu.value.run <= wanted ? .reset : .powerOff)
        },
        atEnd: { system in
          let runs = system.owner(0).value.run.load(ordering: .relaxed)
          if runs != wanted + 1 { system.simulation.fail("\(runs) runs after \(wanted) resets") }
        })
    }
    #expect(failures == [])
  }

  @Test func aResetGivesTheGuestClearedMemoryWithItsImages() {
    let failures = Simulation.forEachSeed(perMille: 5) { seed in
      TestSystem.run(
        seed: seed, cpus: 2, vms: [testVM("vm")], isGood: true,
        guest: { system, vcpu in
          let memory = GuestPhysicalAddress(SimulatedGuest.memoryBase + 0x8000)
          let old = vcpu.value.vm.value.memory.byte(at: memory)
          if vcpu.value.state.steps == 1 {
            if old != 0 { system.simulation.fail("memory holds \(String(describing: old))") }
            try? vcpu.value.vm.value.memory.fill(memory, byteCount: 100, with: 7)
            return .compute(10)
          }
          return .systemDown(vcpu.value.run < 3 ? .reset : .powerOff)
        })
    }
    #expect(failures == [])
  }

  @Test func aFaultStopsItsVMOrStartsItAgainAsItsFileSays() {
    let failures = Simulation.forEachSeed(perMille: 20) { seed in
      TestSystem.run(
        seed: seed, cpus: 2, vms: [testVM("once"), testVM("again", onFailure: .restart)], isGood: false,
        guest: { system, vcpu in
          if vcpu.value.state.steps < 3 { return .readNothing }
          if vcpu.value.vm.value.id == 1, vcpu.value.run == 4 { return .systemDown(.powerOff) }
          return system.random(0...1) == 0 ? .fault : .readNothing
        },
        atEnd: { system in
          let runs = (0...1).map { system.owner($0).value.run.load(ordering: .relaxed) }
          if runs != [1, 4] { system.simulation.fail("\(runs) runs") }
        })
    }
    #expect(failures == [])
  }

  @Test func aVMThatCannotBeMadeIsToldOfAndTheOtherRuns() {
    let failures = Simulation.forEachSeed(perMille: 20) { seed in
      TestSystem.run(
        seed: seed, cpus: 2,
        vms: [testVM("large", memory: 64 << 20), testVM("small"), testVM("larger", vcpus: 4, memory: 3 << 20)],
        memoryByteCount: seed % 2 == 0 ? 2 << 20 : 300 << 10, isGood: false,
        guest: { system, vcpu in vcpu.value.state.steps > 5 ? .systemDown(.powerOff) : livelyGuest(system, vcpu) },
        atEnd: { system in
          for index in [0, 2] where system.state(index) != .failed {
            system.simulation.fail("VM \(index) is \(system.state(index))")
          }
          if system.state(1) != .stopped { system.simulation.fail("the small VM is \(system.state(1))") }
          let refused = system.perform(.start, on: 0)
          if refused != .refused { system.simulation.fail("start of a VM that was not made: \(refused)") }
        })
    }
    #expect(failures == [])
  }

  @Test func whatIsLeftOfAVMForWhoseTasksThereIsNoMemoryIsGivenBack() {
    let failures = Simulation.forEachSeed(perMille: 10) { seed in
      // Enough for the VM's memory, not for all of its stacks.
      TestSystem.run(
        seed: seed, cpus: 2, vms: [testVM("vm", vcpus: 16, memory: 128 << 10)],
        memoryByteCount: (164 + Int(seed % 8) * 4) << 10, isGood: false, guest: livelyGuest,
        atEnd: { system in
          if system.state() != .failed { system.simulation.fail("it is \(system.state())") }
        })
    }
    #expect(failures == [])
  }

  @Test func theHypervisorEndsWhenTheLastOfManyVMsHasStopped() {
    let failures = Simulation.forEachSeed(perMille: 20) { seed in
      let count = 1 + Int(seed % 6)
      return TestSystem.run(
        seed: seed, cpus: 1 + Int(seed % 4), vms: (0..<count).map { testVM("vm-\($0)", vcpus: 1 + $0 % 2) },
        isGood: true,
        guest: { system, vcpu in
          vcpu.value.state.steps > 3 && system.random(0...3) == 0
            ? .systemDown(.powerOff) : livelyGuest(system, vcpu)
        },
        atEnd: { system in
          for index in 0..<count where system.state(index) != .stopped {
            system.simulation.fail("VM \(index) is \(system.state(index))")
          }
        })
    }
    #expect(failures == [])
  }
}
