import CAArch64

/// The virtual CPU interface of the CPU that runs this code (GIC architecture specification, IHI 0069, 12.4).
struct HardwareListRegisters: ListRegisterFile {
  @inline(__always) init() {}

  var empty: UInt32 { UInt32(truncatingIfNeeded: read_ICH_ELRSR_EL2()) }

  var control: UInt64 {
    get { read_ICH_HCR_EL2() }
    nonmutating set { write_ICH_HCR_EL2(newValue) }
  }

  var vmcr: UInt64 {
    get { read_ICH_VMCR_EL2() }
    nonmutating set { write_ICH_VMCR_EL2(newValue) }
  }

  // The first is the one that is mostly used.
  @inline(__always) func listRegister(_ index: Int) -> UInt64 {
    index == 0 ? read_ICH_LR0_EL2() : otherListRegister(index)
  }

  @inline(__always) func setListRegister(_ index: Int, to value: UInt64) {
    if index == 0 { write_ICH_LR0_EL2(value) } else { setOtherListRegister(index, to: value) }
  }

  @inline(never) private func otherListRegister(_ index: Int) -> UInt64 {
    switch index {
    case 0: read_ICH_LR0_EL2()
    case 1: read_ICH_LR1_EL2()
    case 2: read_ICH_LR2_EL2()
    case 3: read_ICH_LR3_EL2()
    case 4: read_ICH_LR4_EL2()
    case 5: read_ICH_LR5_EL2()
    case 6: read_ICH_LR6_EL2()
    case 7: read_ICH_LR7_EL2()
    case 8: read_ICH_LR8_EL2()
    case 9: read_ICH_LR9_EL2()
    case 10: read_ICH_LR10_EL2()
    case 11: read_ICH_LR11_EL2()
    case 12: read_ICH_LR12_EL2()
    case 13: read_ICH_LR13_EL2()
    case 14: read_ICH_LR14_EL2()
    default: read_ICH_LR15_EL2()
    }
  }

  @inline(never) private func setOtherListRegister(_ index: Int, to value: UInt64) {
    switch index {
    case 0: write_ICH_LR0_EL2(value)
    case 1: write_ICH_LR1_EL2(value)
    case 2: write_ICH_LR2_EL2(value)
    case 3: write_ICH_LR3_EL2(value)
    case 4: write_ICH_LR4_EL2(value)
    case 5: write_ICH_LR5_EL2(value)
    case 6: write_ICH_LR6_EL2(value)
    case 7: write_ICH_LR7_EL2(value)
    case 8: write_ICH_LR8_EL2(value)
    case 9: write_ICH_LR9_EL2(value)
    case 10: write_ICH_LR10_EL2(value)
    case 11: write_ICH_LR11_EL2(value)
    case 12: write_ICH_LR12_EL2(value)
    case 13: write_ICH_LR13_EL2(value)
    case 14: write_ICH_LR14_EL2(value)
    default: write_ICH_LR15_EL2(value)
    }
  }

  func activePriorities0(_ index: Int) -> UInt64 {
    switch index {
    case 0: read_ICH_AP0R0_EL2()
    case 1: read_ICH_AP0R1_EL2()
    case 2: read_ICH_AP0R2_EL2()
    default: read_ICH_AP0R3_EL2()
    }
  }

  func setActivePriorities0(_ index: Int, to value: UInt64) {
    switch index {
    case 0: write_ICH_AP0R0_EL2(value)
    case 1: write_ICH_AP0R1_EL2(value)
    case 2: write_ICH_AP0R2_EL2(value)
    default: write_ICH_AP0R3_EL2(value)
    }
  }

  func activePriorities1(_ index: Int) -> UInt64 {
    switch index {
    case 0: read_ICH_AP1R0_EL2()
    case 1: read_ICH_AP1R1_EL2()
    case 2: read_ICH_AP1R2_EL2()
    default: read_ICH_AP1R3_EL2()
    }
  }

  func setActivePriorities1(_ index: Int, to value: UInt64) {
    switch index {
    case 0: write_ICH_AP1R0_EL2(value)
    case 1: write_ICH_AP1R1_EL2(value)
    case 2: write_ICH_AP1R2_EL2(value)
    default: write_ICH_AP1R3_EL2(value)
    }
  }
}
