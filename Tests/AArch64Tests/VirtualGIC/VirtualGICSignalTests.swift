import Testing
import Virtualization

@testable import AArch64

/// SGIs and the linked timer. By Arm GIC IHI 0069.
@Suite struct VirtualGICSignalTests {
  private func sgi(_ interrupt: UInt64, list: UInt64, aff1: UInt64 = 0, rs: UInt64 = 0) -> ICC_SGI1R_EL1 {
    ICC_SGI1R_EL1(rawValue: interrupt << 24 | aff1 << 16 | rs << 44 | list)
  }

  private func machine(vcpus: Int) -> GICMachine {
    let machine = GICMachine(vcpus: vcpus)
    machine.boot()
    for vcpu in 0..<vcpus { machine.writePrivate(vcpu, 0x100, 0xffff) }
    return machine
  }

  @Test func anSGIReachesItsTargets() {
    let machine = machine(vcpus: 3)
    #expect(machine.gic { $0.sendSGI(sgi(5, list: 0b110), .group1, from: 0) } == 0b110)
    #expect(machine.acknowledge(0) == nil)
    #expect(machine.acknowledge(1) == 5)
    #expect(machine.acknowledge(2) == 5)
  }

  @Test func anSGIToOneselfNotifiesNobody() {
    let machine = machine(vcpus: 2)
    #expect(machine.gic { $0.sendSGI(sgi(7, list: 0b01), .group1, from: 0) } == 0)
    #expect(machine.acknowledgeAndEnd(0) == 7)
    #expect(machine.gic { $0.sendSGI(sgi(7, list: 0b01), .group1, from: 0) } == 0)
    #expect(machine.acknowledgeAndEnd(0) == 7)
  }

  @Test func aBroadcastSGIReachesAllButItsSender() {
    let machine = machine(vcpus: 4)
    #expect(machine.gic { $0.sendSGI(ICC_SGI1R_EL1(rawValue: 1 << 40 | 3 << 24), .group1, from: 2) } == 0b1011)
    #expect(machine.acknowledge(2) == nil)
  }

  @Test func affinity1SelectsTheSixteenVCPUs() {
    let machine = machine(vcpus: 18)
    #expect(machine.gic { $0.sendSGI(sgi(0, list: 0b11, aff1: 1), .group1, from: 0) } == 0b11 << 16)
    #expect(machine.gic { $0.sendSGI(sgi(0, list: 0b100, aff1: 1), .group1, from: 0) } == 0)
    #expect(machine.gic { $0.sendSGI(sgi(0, list: 1, aff1: 4), .group1, from: 0) } == 0)
    #expect(machine.gic { $0.sendSGI(sgi(0, list: 1, rs: 1), .group1, from: 0) } == 0)
    #expect(machine.gic { $0.sendSGI(ICC_SGI1R_EL1(rawValue: 1 << 32 | 1), .group1, from: 0) } == 0)
    #expect(machine.gic { $0.sendSGI(ICC_SGI1R_EL1(rawValue: 1 << 48 | 1), .group1, from: 0) } == 0)
  }

  @Test func anSGIOfTheOtherGroupIsNotSent() {
    let machine = machine(vcpus: 2)
    #expect(machine.gic { $0.sendSGI(sgi(1, list: 0b10), .group0, from: 0) } == 0)
    machine.writePrivate(1, 0x80, 0)
    #expect(machine.gic { $0.sendSGI(sgi(1, list: 0b10), .group1, from: 0) } == 0)
    #expect(machine.gic { $0.sendSGI(sgi(1, list: 0b10), .group0, from: 0) } == 0b10)
  }

  @Test func anSGIDuringItsOwnHandlerComesOnceMore() {
    let machine = machine(vcpus: 2)
    machine.gic { _ = $0.sendSGI(sgi(1, list: 0b10), .group1, from: 0) }
    #expect(machine.acknowledge(1) == 1)
    machine.gic { _ = $0.sendSGI(sgi(1, list: 0b10), .group1, from: 0) }
    machine.gic { _ = $0.sendSGI(sgi(1, list: 0b10), .group1, from: 0) }
    machine.enter(1)
    machine.end(1, on: 1)
    #expect(machine.acknowledgeAndEnd(1) == 1)
    #expect(machine.acknowledge(1) == nil)
  }

  @Test func aVCPUThatHasNotLookedIsNotNotifiedAgain() {
    let machine = machine(vcpus: 2)
    #expect(machine.gic { $0.sendSGI(sgi(1, list: 0b10), .group1, from: 0) } == 0b10)
    #expect(machine.gic { $0.sendSGI(sgi(2, list: 0b10), .group1, from: 0) } == 0)
    #expect(machine.acknowledgeAndEnd(1) != nil)
    #expect(machine.acknowledgeAndEnd(1) != nil)
  }

  @Test func aPrivateLineReachesItsOwnVCPUOnly() {
    let machine = GICMachine()
    machine.boot()
    machine.writePrivate(1, 0x100, 1 << 30)
    #expect(machine.gic { $0.setPrivateLine(30, isAsserted: true, vcpu: 1) } == 0b10)
    #expect(machine.gic { $0.setPrivateLine(5, isAsserted: true, vcpu: 1) } == 0)
    #expect(machine.acknowledge(0) == nil)
    #expect(machine.acknowledge(1) == 30)
  }

  // MARK: - The timer

  private func timerMachine() -> GICMachine {
    let machine = GICMachine()
    machine.boot()
    machine.writePrivate(0, 0x100, 1 << 27)
    return machine
  }

  private func raise(_ machine: GICMachine) {
    machine.gic { $0.raiseLinkedTimer(0, on: machine.interfaces[0]) }
  }

  private func isLinked(_ machine: GICMachine) -> Bool {
    machine.gic { $0.isTimerLinked(0, on: machine.interfaces[0]) }
  }

  @Test func theGuestsEndOfTheTimerInterruptEndsThePhysicalOne() {
    let machine = timerMachine()
    #expect(!isLinked(machine))
    for tick in 1...3 {
      raise(machine)
      #expect(isLinked(machine))
      #expect(machine.acknowledge(0) == 27)
      #expect(isLinked(machine))
      machine.end(27, on: 0)
      #expect(machine.interfaces[0].deactivated == [UInt64](repeating: 27, count: tick))
      #expect(!isLinked(machine))
    }
  }

  @Test func aTickOnAnIdleInterfaceWritesOneListRegister() {
    let machine = timerMachine()
    raise(machine)
    #expect(machine.acknowledgeAndEnd(0) == 27)
    machine.interfaces[0].writeCount = 0
    raise(machine)
    machine.enter(0)
    #expect(machine.interfaces[0].writeCount == 1)
  }

  @Test func aTickWithTheInterruptDisabledWaitsAndStaysLinked() {
    let machine = GICMachine()
    machine.boot()
    raise(machine)
    #expect(machine.acknowledge(0) == nil)
    #expect(isLinked(machine))
    #expect(machine.readPrivate(0, 0x200) == 1 << 27)
    machine.writePrivate(0, 0x100, 1 << 27)
    #expect(machine.acknowledge(0) == 27)
    machine.end(27, on: 0)
    #expect(machine.interfaces[0].deactivated == [27])
  }

  @Test func clearingTheActiveStateByRegisterAsksForAPhysicalDeactivation() {
    let machine = timerMachine()
    raise(machine)
    #expect(machine.acknowledge(0) == 27)
    machine.writePrivate(0, 0x380, 1 << 27)
    machine.enter(0)
    #expect(machine.interfaces[0].deactivated == [27])
    #expect(!isLinked(machine))
  }

  @Test func theTimerStaysLinkedAcrossASwitch() {
    let machine = timerMachine()
    raise(machine)
    #expect(machine.acknowledge(0) == 27)
    let interface = machine.interfaces[0]
    machine.gic { $0.save(0, from: interface) }
    machine.gic { $0.load(0, to: interface) }
    #expect(isLinked(machine))
    machine.end(27, on: 0)
    #expect(interface.deactivated == [27])
  }

  @Test func turningAVCPUOffWithTheTimerLinkedAsksForAPhysicalDeactivation() {
    let machine = timerMachine()
    raise(machine)
    #expect(machine.acknowledge(0) == 27)
    #expect(machine.gic { $0.retire(0, on: machine.interfaces[0]) }.deactivatesTimer)
    #expect(!isLinked(machine))
  }
}
