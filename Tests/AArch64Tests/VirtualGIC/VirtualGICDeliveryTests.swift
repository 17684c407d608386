import Testing
import Virtualization

@testable import AArch64

/// By Arm GIC IHI 0069.
@Suite struct VirtualGICDeliveryTests {
  @Test func anEnabledSPIReachesTheVCPUItIsRoutedTo() {
    let machine = GICMachine()
    machine.boot()
    machine.enable(1, to: 1)
    #expect(machine.set(1, true) == 0b10)
    #expect(machine.acknowledge(0) == nil)
    #expect(machine.acknowledge(1) == 33)
  }

  @Test func aDisabledInterruptWaitsUntilItIsEnabled() {
    let machine = GICMachine()
    machine.boot()
    #expect(machine.set(1, true) == 0)
    #expect(machine.acknowledge(0) == nil)
    machine.write(0x104, 0b10)
    #expect(machine.acknowledge(0) == 33)
  }

  @Test func anInterruptOfAGroupThatIsOffWaits() {
    let machine = GICMachine()
    machine.boot()
    machine.enable(1)
    machine.write(0, 0b01)
    machine.set(1, true)
    #expect(machine.acknowledge(0) == nil)
    machine.write(0, 0b10)
    #expect(machine.acknowledge(0) == 33)
  }

  @Test func aLevelThatStaysHighInterruptsAgainAfterItsEnd() {
    let machine = GICMachine()
    machine.boot()
    machine.enable(1)
    machine.set(1, true)
    #expect(machine.acknowledgeAndEnd(0) == 33)
    #expect(machine.acknowledgeAndEnd(0) == 33)
    machine.set(1, false)
    #expect(machine.acknowledge(0) == nil)
  }

  @Test func aLevelThatFallsBeforeItIsAcknowledgedIsWithdrawn() {
    let machine = GICMachine()
    machine.boot()
    machine.enable(1, to: 1)
    machine.set(1, true)
    machine.enter(1)
    #expect(machine.set(1, false) == 0b10)
    #expect(machine.acknowledge(1) == nil)
  }

  @Test func aLevelThatFellDuringItsHandlerNeedsNoMaintenanceInterrupt() {
    let machine = GICMachine()
    machine.boot()
    machine.enable(1)
    machine.set(1, true)
    #expect(machine.acknowledge(0) == 33)
    machine.set(1, false)
    machine.enter(0)
    machine.interfaces[0].end(33)
    #expect(machine.interfaces[0].maintenance.isEmpty)
  }

  @Test func anEdgeInterruptsOnceHoweverLongTheLineIsHigh() {
    let machine = GICMachine()
    machine.boot()
    machine.enable(1, isEdge: true)
    machine.set(1, true)
    machine.set(1, true)
    #expect(machine.acknowledgeAndEnd(0) == 33)
    #expect(machine.acknowledge(0) == nil)
  }

  @Test func anEdgeDuringItsOwnHandlerInterruptsOnceMore() {
    let machine = GICMachine()
    machine.boot()
    machine.enable(1, isEdge: true)
    machine.set(1, true)
    #expect(machine.acknowledge(0) == 33)
    machine.set(1, false)
    machine.set(1, true)
    #expect(machine.acknowledge(0) == nil)
    machine.end(33, on: 0)
    #expect(machine.acknowledgeAndEnd(0) == 33)
    #expect(machine.acknowledge(0) == nil)
  }

  @Test func theMostUrgentInterruptComesFirstAndPreempts() {
    let machine = GICMachine()
    machine.boot()
    machine.enable(1, priority: 0xa0)
    machine.enable(2, priority: 0x20)
    machine.set(1, true)
    #expect(machine.acknowledge(0) == 33)
    machine.set(2, true)
    #expect(machine.acknowledge(0) == 34)
  }

  @Test func moreInterruptsThanListRegistersAllArriveInOrder() {
    let machine = GICMachine(listRegisters: 2)
    machine.boot()
    for spi in 0..<10 { machine.enable(spi, priority: UInt64(0x90 - spi * 8), isEdge: true) }
    for spi in 0..<10 { machine.set(spi, true) }
    #expect((0..<10).map { _ in machine.acknowledgeAndEnd(0) } == (0..<10).map { 41 - $0 })
    #expect(machine.acknowledge(0) == nil)
    #expect(machine.interfaces[0].control == ICH_HCR_EL2.en.rawValue)
  }

  @Test func moreNestedInterruptsThanListRegistersAllEnd() {
    let machine = GICMachine(listRegisters: 2)
    machine.boot()
    for spi in 0..<6 {
      machine.enable(spi, priority: UInt64(0xa0 - spi * 16), isEdge: true)
      machine.set(spi, true)
      #expect(machine.acknowledge(0) == 32 + spi)
    }
    #expect(machine.read(0x304) == 0x3f)
    for spi in (0..<6).reversed() { machine.end(32 + spi, on: 0) }
    #expect(machine.read(0x304) == 0)
  }

  @Test func pendingInterruptsOfASilentGroupDoNotShutOutTheOther() {
    let machine = GICMachine(listRegisters: 2)
    machine.boot()
    machine.interfaces[0].vmcr &= ~ICH_VMCR_EL2.veng0.mask
    for spi in 0..<5 {
      machine.enable(spi, priority: 0x10, isEdge: true)
      machine.set(spi, true)
    }
    machine.write(0x84, 0)
    machine.enable(40, priority: 0xa0, isEdge: true)
    machine.set(40, true)
    #expect(machine.acknowledgeAndEnd(0) == 72)
    machine.interfaces[0].vmcr |= ICH_VMCR_EL2.veng0.mask
    machine.settle()
    #expect(Set((0..<5).compactMap { _ in machine.acknowledgeAndEnd(0) }) == Set(32..<37))
  }

  @Test func aListedInterruptThatIsDisabledElsewhereIsTakenBack() {
    let machine = GICMachine()
    machine.boot()
    machine.enable(1, to: 1, isEdge: true)
    machine.set(1, true)
    machine.enter(1)
    #expect(machine.write(0x184, 0b10, by: 0) == 0b10)
    #expect(machine.acknowledge(1) == nil)
    #expect(machine.read(0x204) == 0b10)
  }

  @Test func aPendingStateClearedElsewhereIsGone() {
    let machine = GICMachine()
    machine.boot()
    machine.enable(1, to: 1, isEdge: true)
    machine.set(1, true)
    machine.enter(1)
    #expect(machine.write(0x284, 0b10, by: 0) == 0b10)
    #expect(machine.acknowledge(1) == nil)
    machine.set(1, false)
    machine.set(1, true)
    #expect(machine.acknowledgeAndEnd(1) == 33)
  }

  @Test func aPendingInterruptFollowsItsRoute() {
    let machine = GICMachine()
    machine.boot()
    machine.enable(1, to: 1, isEdge: true)
    machine.set(1, true)
    machine.enter(1)
    machine.write(0x6000 + 33 * 8, 0, .doubleword)
    machine.settle()
    #expect(machine.acknowledge(1) == nil)
    #expect(machine.acknowledge(0) == 33)
  }

  @Test func anInterruptRoutedToNobodyWaits() {
    let machine = GICMachine()
    machine.boot()
    machine.enable(1, isEdge: true)
    machine.write(0x6000 + 33 * 8, 0x200, .doubleword)
    #expect(machine.set(1, true) == 0)
    machine.write(0x6000 + 33 * 8, 1, .doubleword)
    #expect(machine.acknowledge(1) == 33)
  }

  @Test func whatAnOffVCPUHeldGoesToAnother() {
    let machine = GICMachine()
    machine.boot()
    machine.enable(1, to: 1, isEdge: true)
    machine.set(1, true)
    machine.enter(1)
    machine.gic { _ = $0.retire(1, on: machine.interfaces[1]) }
    machine.write(0x6000 + 33 * 8, 0, .doubleword)
    #expect(machine.acknowledge(0) == 33)
  }

  @Test func savedAndLoadedAVCPUGoesOnWhereItWas() {
    let machine = GICMachine()
    machine.boot()
    machine.enable(1)
    machine.enable(2, priority: 0x20)
    machine.set(1, true)
    #expect(machine.acknowledge(0) == 33)
    let interface = machine.interfaces[0]
    machine.gic { $0.save(0, from: interface) }
    #expect(interface.listRegisters.allSatisfy { $0 == 0 })
    interface.vmcr = 0
    interface.setActivePriorities1(0, to: 0)
    machine.set(2, true)
    machine.gic { $0.load(0, to: interface) }
    #expect(machine.acknowledge(0) == 34)
    #expect(interface.runningPriority == 0x20)
  }

  @Test func anIdleEntryTouchesNoListRegister() {
    let machine = GICMachine()
    machine.boot()
    machine.interfaces[0].writeCount = 0
    machine.enter(0)
    #expect(machine.interfaces[0].writeCount == 0)
  }

  @Test func aWaitEndsOnlyForWhatTheInterfaceLetsThrough() {
    let machine = GICMachine()
    machine.boot()
    machine.enable(1, priority: 0xa0)
    let interface = machine.interfaces[0]
    machine.set(1, true)
    machine.enter(0)
    #expect(machine.gic { $0.hasDeliverable(0, on: interface) })
    interface.vmcr = ICH_VMCR_EL2.vpmr.replaced(in: interface.vmcr, by: 0xa0)
    #expect(!machine.gic { $0.hasDeliverable(0, on: interface) })
    machine.interfaces[0].open()
    #expect(machine.acknowledge(0) == 33)
    #expect(!machine.gic { $0.hasDeliverable(0, on: interface) })
  }
}
