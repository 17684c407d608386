import Testing
import Virtualization

@testable import AArch64

/// By Arm GIC IHI 0069, 12.9 (distributor) and 12.11 (redistributor).
@Suite struct VirtualGICRegisterTests {
  @Test func theDistributorTellsWhatTheVMHas() {
    let machine = GICMachine(vcpus: 2, spis: 33)
    // DS, ARE; groups off.
    #expect(machine.read(0x0000) == 0x50)
    // ITLinesNumber 2: 96 interrupts; 10 bits of interrupt number; No1N.
    #expect(machine.read(0x0004) == 0x0248_0002)
    #expect(machine.read(0x0008) == 0x43b)
    #expect(machine.read(0xffe8) == 0x3b)
    #expect(machine.read(0xffe0) == 0x92)
    #expect((0..<4).map { machine.read(0xfff0 + $0 * 4) } == [0x0d, 0xf0, 0x05, 0xb1])
  }

  @Test func theControlRegisterKeepsOnlyTheGroupEnables() {
    let machine = GICMachine()
    machine.write(0x0000, .max)
    #expect(machine.read(0x0000) == 0x53)
    machine.write(0x0004, .max)
    #expect(machine.read(0x0004) == 0x0248_0002)
  }

  @Test func enablesAreSetAndClearedByOnes() {
    let machine = GICMachine()
    machine.write(0x104, 0xf0)
    machine.write(0x104, 0x0f)
    machine.write(0x184, 0x18)
    #expect(machine.read(0x104) == 0xe7)
    #expect(machine.read(0x184) == 0xe7)
  }

  @Test func privateInterruptsAndMissingSPIsReadAsZeroInTheDistributor() {
    let machine = GICMachine(spis: 64)
    for base in [0x80, 0x100, 0x200, 0x300] as [UInt64] {
      machine.write(base, .max)
      machine.write(base + 12, .max)
      #expect(machine.read(base) == 0)
      #expect(machine.read(base + 12) == 0)
    }
    machine.write(0x400, .max)
    machine.write(0x460, .max)
    #expect(machine.read(0x400) == 0)
    #expect(machine.read(0x460) == 0)
    machine.write(0xc00, .max)
    #expect(machine.read(0xc00) == 0)
    machine.write(0x6000 + 96 * 8, 1, .doubleword)
    #expect(machine.read(0x6000 + 96 * 8, .doubleword) == 0)
  }

  @Test func prioritiesAreReadAndWrittenByByteAndByWordWithTheBitsThereAre() {
    let machine = GICMachine()
    machine.write(0x420, 0xa1b2_c3d4)
    #expect(machine.read(0x420) == 0xa0b0_c0d0)
    machine.write(0x422, 0x7f, .byte)
    #expect(machine.read(0x420) == 0xa078_c0d0)
    #expect(machine.read(0x423, .byte) == 0xa0)
    #expect(machine.read(0x420, .halfword) == 0)
  }

  @Test func triggersAreTwoBitsOfWhichTheUpperCounts() {
    let machine = GICMachine()
    machine.write(0xc08, 0xffff_ffff)
    #expect(machine.read(0xc08) == 0xaaaa_aaaa)
    machine.write(0xc0c, 0x8000_0002)
    #expect(machine.read(0xc0c) == 0x8000_0002)
    machine.write(0xc08, 0x0000_0008)
    #expect(machine.read(0xc08) == 0x0000_0008)
    #expect(machine.readPrivate(0, 0xc00) == 0xaaaa_aaaa)
    machine.writePrivate(0, 0xc04, .max)
    #expect(machine.readPrivate(0, 0xc04) == 0)
  }

  @Test func routesAreReadAndWrittenWholeAndByHalves() {
    let machine = GICMachine()
    let place: UInt64 = 0x6000 + 40 * 8
    machine.write(place, .max, .doubleword)
    #expect(machine.read(place, .doubleword) == 0xff_00ff_ffff)
    machine.write(place + 4, 0)
    machine.write(place, 1)
    #expect(machine.read(place, .doubleword) == 1)
    #expect(machine.read(place) == 1)
    #expect(machine.read(place + 4) == 0)
    #expect(machine.read(place, .byte) == 0)
  }

  @Test func pendingAndActiveStatesAreSetAndClearedByOnes() {
    let machine = GICMachine()
    machine.write(0x204, 0b110)
    machine.write(0x284, 0b010)
    #expect(machine.read(0x204) == 0b100)
    machine.write(0x304, 0b11)
    machine.settle()
    machine.write(0x384, 0b01)
    machine.settle()
    #expect(machine.read(0x304) == 0b10)
    #expect(machine.read(0x384) == 0b10)
  }

  @Test func anActiveStateReadFromAnotherVCPUMakesItsHolderLook() {
    let machine = GICMachine()
    machine.boot()
    machine.enable(1, to: 1, isEdge: true)
    machine.set(1, true)
    #expect(machine.acknowledge(1) == 33)
    #expect(machine.read(0x304, by: 0) == 0)
    machine.settle()
    #expect(machine.read(0x304, by: 0) == 0b10)
    machine.end(33, on: 1)
    _ = machine.read(0x304, by: 0)
    machine.settle()
    #expect(machine.read(0x304, by: 0) == 0)
  }

  @Test func aRedistributorTellsWhoseItIs() {
    let machine = GICMachine(vcpus: 18)
    func type(_ vcpu: UInt64, _ offset: UInt64, _ width: AccessWidth) -> UInt64 {
      var notified: UInt64 = 0
      let place = vcpu * VirtualGIC.redistributorByteCount + offset
      return machine.gic {
        $0.readRedistributor(place, width, by: 0, on: machine.interfaces[0], notified: &notified)
      }
    }
    #expect(type(0, 0x08, .doubleword) == 0)
    #expect(type(3, 0x08, .doubleword) == 0x3_0000_0300)
    // vCPU 17 is affinity 1.1, and the last.
    #expect(type(17, 0x08, .doubleword) == 0x101_0000_1110)
    #expect(type(17, 0x08, .word) == 0x1110)
    #expect(type(17, 0x0c, .word) == 0x101)
    #expect(type(0, 0xffe8, .word) == 0x3b)
    #expect(type(0, 0xffe0, .word) == 0x93)
    #expect(type(18, 0x08, .doubleword) == 0)
  }

  @Test func theWakerFollowsTheGuest() {
    let machine = GICMachine()
    func waker() -> UInt64 {
      var notified: UInt64 = 0
      return machine.gic { $0.readRedistributor(0x14, .word, by: 0, on: machine.interfaces[0], notified: &notified) }
    }
    #expect(waker() == 0b110)
    machine.gic { _ = $0.writeRedistributor(0x14, .word, 0, by: 0) }
    #expect(waker() == 0)
  }

  @Test func privateInterruptsAreEachVCPUsOwn() {
    let machine = GICMachine()
    machine.writePrivate(1, 0x100, 0x8000_0001, by: 0)
    machine.writePrivate(1, 0x41f, 0x48, .byte, by: 0)
    #expect(machine.readPrivate(1, 0x100) == 0x8000_0001)
    #expect(machine.readPrivate(0, 0x100) == 0)
    #expect(machine.readPrivate(1, 0x41c) == 0x4800_0000)
    #expect(machine.readPrivate(0, 0x41c) == 0)
  }

  @Test func aResetForgetsEverything() {
    let machine = GICMachine()
    machine.boot()
    machine.enable(1, to: 1)
    machine.set(1, true)
    machine.enter(1)
    machine.gic { $0.reset() }
    #expect(machine.read(0) == 0x50)
    #expect(machine.read(0x104) == 0)
    #expect(machine.read(0x204) == 0)
    #expect(machine.read(0x6000 + 33 * 8, .doubleword) == 0)
    #expect(!machine.gic { $0.needsAttention(1) })
  }

  @Test(arguments: [AccessWidth.byte, .halfword, .word, .doubleword])
  func everyOffsetAnswersEveryWidth(width: AccessWidth) {
    let machine = GICMachine(vcpus: 2, spis: 64)
    var notified: UInt64 = 0
    for offset in stride(from: UInt64(0), to: 0x5_0000, by: 1)
    where offset < 0x2000 || offset % 61 == 0 || offset & 0xfff0 >= 0xff00 {
      machine.gic { gic in
        for value in [0, 0x5a5a_5a5a_5a5a_5a5a, UInt64.max] {
          _ = gic.writeDistributor(offset, width, value, by: 1)
          _ = gic.writeRedistributor(offset, width, value, by: 1)
        }
        let own = machine.interfaces[1]
        let distributor = gic.readDistributor(offset, width, by: 1, on: own, notified: &notified)
        let redistributor = gic.readRedistributor(offset, width, by: 1, on: own, notified: &notified)
        #expect((distributor | redistributor) & ~width.mask == 0)
      }
    }
    machine.settle()
    _ = machine.gic { $0.deactivate(.max, vcpu: 0) | $0.deactivate(96, vcpu: 0) }
    #expect(machine.set(64, true) == 0)
    #expect(machine.set(-1, true) == 0)
  }

  @Test func aShapeThatNoVMCanHaveIsRefused() {
    let type = ICH_VTR_EL2(rawValue: 4 << 29 | 4 << 26 | 3)
    #expect(VirtualGIC.Shape(vcpuCount: 0, sharedInterruptCount: 32, interface: type) == nil)
    #expect(VirtualGIC.Shape(vcpuCount: 65, sharedInterruptCount: 32, interface: type) == nil)
    #expect(VirtualGIC.Shape(vcpuCount: 1, sharedInterruptCount: 961, interface: type) == nil)
    #expect(VirtualGIC.Shape(vcpuCount: 64, sharedInterruptCount: 960, interface: type)?.sharedBankCount == 30)
  }

  @Test func affinitiesGoBothWays() {
    #expect(VCPUAffinity(index: 0).mpidr == 0x8000_0000)
    #expect(VCPUAffinity(index: 35).mpidr == 0x8000_0203)
    #expect((0..<64).allSatisfy { VCPUAffinity(packed: VCPUAffinity(index: $0).packed)?.index == $0 })
    #expect(VCPUAffinity(mpidr: 0x10) == nil)
    #expect(VCPUAffinity(mpidr: 0x400) == nil)
    #expect(VCPUAffinity(mpidr: 0x8000_0000) == nil)
    #expect(VCPUAffinity(mpidr: 0x1_0000_0000) == nil)
  }
}
