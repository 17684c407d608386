import Kernel
import Testing

@testable import AArch64

@Suite struct RegisterTests {
  @Test func aFieldReadsBackWhatWasPlaced() {
    let field = BitField(23, 16)
    #expect(field.mask == 0xff_0000)
    #expect(field.placed(0x1ab) == 0xab_0000)
    #expect(field.value(in: 0xffab_ffff) == 0xab)
    #expect(field.replaced(in: 0xffff_ffff, by: 0) == 0xff00_ffff)
    #expect(BitField(63, 0).mask == .max)
  }

  @Test func resetStateIsWhatPSCIAsksFor() {
    #expect(SPSR.atPowerOn.rawValue == 0x3c5)
    #expect(SCTLR_EL1.atPowerOn.rawValue == 0x30d0_0800)
  }

  @Test func trapRegistersHaveTheManualsBits() {
    #expect(HCR_EL2.rw.rawValue == 0x8000_0000)
    #expect(HCR_EL2.tid3.rawValue == 0x4_0000)
    #expect(HCR_EL2.e2h.rawValue == 0x4_0000_0000)
    #expect(HCR_EL2.fwb.rawValue == 0x4000_0000_0000)
    #expect(CPTR_EL2([.res1, .tz, .tsm]).rawValue == 0x33ff)
    #expect(CNTHCTL_EL2([.el1pcten, .el1pcen]).rawValue == 3)
    #expect(MDCR_EL2.ttrf.rawValue == 0x8_0000)
  }

  @Test func stage2ControlsOfA40BitSpaceWith4KiBPages() {
    // T0SZ 24, SL0 1 (level 1), write-back, inner shareable, PS 2 (40 bits), RES1.
    let value =
      VTCR_EL2.t0sz.placed(24) | VTCR_EL2.sl0.placed(1) | VTCR_EL2.irgn0.placed(1) | VTCR_EL2.orgn0.placed(1)
      | VTCR_EL2.sh0.placed(3) | VTCR_EL2.ps.placed(2) | VTCR_EL2.res1.placed(1)
    #expect(value == 0x8002_3558)
    #expect(VTTBR_EL2(table: 0x4123_4000, vmid: 7).rawValue == 0x0007_0000_4123_4000)
  }

  @Test func theVirtualInterfaceTellsItsSize() {
    // Cortex-A57 under QEMU: 4 list registers, 5 bits of priority and preemption.
    let type = ICH_VTR_EL2(rawValue: 0x9008_0003 | 0)
    #expect(type.listRegisterCount == 4)
    #expect(type.priorityBitCount == 5)
    #expect(type.preemptionBitCount == 5)
    #expect(type.activePriorityRegisterCount == 1)
    #expect(ICH_VTR_EL2(rawValue: 6 << 26).activePriorityRegisterCount == 4)
    #expect(ICH_VTR_EL2(rawValue: 5 << 26).activePriorityRegisterCount == 2)
  }

  /// DDI 0487, D2.12: an instruction that was executed is a step made; BTYPE is that of the instruction before.
  @Test func anInstructionExecutedForTheGuestEndsItsStepAndItsBranch() {
    let state = SPSR(rawValue: 0x6020_0c05)
    #expect(state.afterInstruction.rawValue == 0x6000_0005)
    #expect(SPSR(rawValue: 0x6000_03c5).afterInstruction.rawValue == 0x6000_03c5)
  }
}
