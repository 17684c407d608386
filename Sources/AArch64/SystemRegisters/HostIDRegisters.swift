import CAArch64

/// ID group 3 as the machine has it; read at boot, on the boot CPU.
enum HostIDRegisters {
  /// The machine's own value; 0 for a register that `IDField.all` does not name.
  static func value(of register: SystemRegister) -> UInt64 {
    switch register {
    case .ID_AA64PFR0_EL1: read_ID_AA64PFR0_EL1()
    case .ID_AA64PFR1_EL1: read_ID_AA64PFR1_EL1()
    case .ID_AA64DFR0_EL1: read_ID_AA64DFR0_EL1()
    case .ID_AA64ISAR0_EL1: read_ID_AA64ISAR0_EL1()
    case .ID_AA64ISAR1_EL1: read_ID_AA64ISAR1_EL1()
    case .ID_AA64ISAR2_EL1: read_ID_AA64ISAR2_EL1()
    case .ID_AA64MMFR0_EL1: read_ID_AA64MMFR0_EL1()
    case .ID_AA64MMFR1_EL1: read_ID_AA64MMFR1_EL1()
    case .ID_AA64MMFR2_EL1: read_ID_AA64MMFR2_EL1()
    case .ID_PFR0_EL1: read_ID_PFR0_EL1()
    case .ID_PFR1_EL1: read_ID_PFR1_EL1()
    case .ID_DFR0_EL1: read_ID_DFR0_EL1()
    case .ID_MMFR0_EL1: read_ID_MMFR0_EL1()
    case .ID_MMFR1_EL1: read_ID_MMFR1_EL1()
    case .ID_MMFR2_EL1: read_ID_MMFR2_EL1()
    case .ID_MMFR3_EL1: read_ID_MMFR3_EL1()
    case .ID_ISAR0_EL1: read_ID_ISAR0_EL1()
    case .ID_ISAR1_EL1: read_ID_ISAR1_EL1()
    case .ID_ISAR2_EL1: read_ID_ISAR2_EL1()
    case .ID_ISAR3_EL1: read_ID_ISAR3_EL1()
    case .ID_ISAR4_EL1: read_ID_ISAR4_EL1()
    case .ID_ISAR5_EL1: read_ID_ISAR5_EL1()
    case .ID_MMFR4_EL1: read_ID_MMFR4_EL1()
    case .ID_ISAR6_EL1: read_ID_ISAR6_EL1()
    case .MVFR0_EL1: read_MVFR0_EL1()
    case .MVFR1_EL1: read_MVFR1_EL1()
    case .MVFR2_EL1: read_MVFR2_EL1()
    case .ID_PFR2_EL1: read_ID_PFR2_EL1()
    case .ID_MMFR5_EL1: read_ID_MMFR5_EL1()
    default: 0
    }
  }
}
