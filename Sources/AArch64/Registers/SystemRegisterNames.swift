/// Registers and instructions that EL2 traps, by the manual's names (Arm ARM DDI 0487, D19; GIC: IHI 0069, 12.2).
extension SystemRegister {
  // Debug
  static let OSDTRRX_EL1 = Self(2, 0, 0, 0, 2)
  static let MDCCINT_EL1 = Self(2, 0, 0, 2, 0)
  static let OSDTRTX_EL1 = Self(2, 0, 0, 3, 2)
  static let OSECCR_EL1 = Self(2, 0, 0, 6, 2)
  static let MDRAR_EL1 = Self(2, 0, 1, 0, 0)
  static let OSLAR_EL1 = Self(2, 0, 1, 0, 4)
  static let OSLSR_EL1 = Self(2, 0, 1, 1, 4)
  static let OSDLR_EL1 = Self(2, 0, 1, 3, 4)
  static let DBGPRCR_EL1 = Self(2, 0, 1, 4, 4)
  static let MDCCSR_EL0 = Self(2, 3, 0, 1, 0)
  static let DBGDTR_EL0 = Self(2, 3, 0, 4, 0)
  static let DBGDTRRX_EL0 = Self(2, 3, 0, 5, 0)  // DBGDTRTX_EL0 when written

  // Cache maintenance by set and way
  static let DC_ISW = Self(1, 0, 7, 6, 2)
  static let DC_CSW = Self(1, 0, 7, 10, 2)
  static let DC_CISW = Self(1, 0, 7, 14, 2)

  // Identification
  static let REVIDR_EL1 = Self(3, 0, 0, 0, 6)
  static let AIDR_EL1 = Self(3, 1, 0, 0, 7)

  // ID group 3
  static let ID_PFR0_EL1 = Self(3, 0, 0, 1, 0)
  static let ID_PFR1_EL1 = Self(3, 0, 0, 1, 1)
  static let ID_DFR0_EL1 = Self(3, 0, 0, 1, 2)
  static let ID_MMFR0_EL1 = Self(3, 0, 0, 1, 4)
  static let ID_MMFR1_EL1 = Self(3, 0, 0, 1, 5)
  static let ID_MMFR2_EL1 = Self(3, 0, 0, 1, 6)
  static let ID_MMFR3_EL1 = Self(3, 0, 0, 1, 7)
  static let ID_ISAR0_EL1 = Self(3, 0, 0, 2, 0)
  static let ID_ISAR1_EL1 = Self(3, 0, 0, 2, 1)
  static let ID_ISAR2_EL1 = Self(3, 0, 0, 2, 2)
  static let ID_ISAR3_EL1 = Self(3, 0, 0, 2, 3)
  static let ID_ISAR4_EL1 = Self(3, 0, 0, 2, 4)
  static let ID_ISAR5_EL1 = Self(3, 0, 0, 2, 5)
  static let ID_MMFR4_EL1 = Self(3, 0, 0, 2, 6)
  static let ID_ISAR6_EL1 = Self(3, 0, 0, 2, 7)
  static let MVFR0_EL1 = Self(3, 0, 0, 3, 0)
  static let MVFR1_EL1 = Self(3, 0, 0, 3, 1)
  static let MVFR2_EL1 = Self(3, 0, 0, 3, 2)
  static let ID_PFR2_EL1 = Self(3, 0, 0, 3, 4)
  static let ID_MMFR5_EL1 = Self(3, 0, 0, 3, 6)
  static let ID_AA64PFR0_EL1 = Self(3, 0, 0, 4, 0)
  static let ID_AA64PFR1_EL1 = Self(3, 0, 0, 4, 1)
  static let ID_AA64DFR0_EL1 = Self(3, 0, 0, 5, 0)
  static let ID_AA64ISAR0_EL1 = Self(3, 0, 0, 6, 0)
  static let ID_AA64ISAR1_EL1 = Self(3, 0, 0, 6, 1)
  static let ID_AA64ISAR2_EL1 = Self(3, 0, 0, 6, 2)
  static let ID_AA64MMFR0_EL1 = Self(3, 0, 0, 7, 0)
  static let ID_AA64MMFR1_EL1 = Self(3, 0, 0, 7, 1)
  static let ID_AA64MMFR2_EL1 = Self(3, 0, 0, 7, 2)

  // Control
  static let ACTLR_EL1 = Self(3, 0, 1, 0, 1)

  // Interrupt controller
  static let ICC_DIR_EL1 = Self(3, 0, 12, 11, 1)
  static let ICC_SGI1R_EL1 = Self(3, 0, 12, 11, 5)
  static let ICC_ASGI1R_EL1 = Self(3, 0, 12, 11, 6)
  static let ICC_SGI0R_EL1 = Self(3, 0, 12, 11, 7)
  static let ICC_SRE_EL1 = Self(3, 0, 12, 12, 5)

  // Timers
  static let CNTPCT_EL0 = Self(3, 3, 14, 0, 1)
  static let CNTPCTSS_EL0 = Self(3, 3, 14, 0, 5)
  static let CNTP_TVAL_EL0 = Self(3, 3, 14, 2, 0)
  static let CNTP_CTL_EL0 = Self(3, 3, 14, 2, 1)
  static let CNTP_CVAL_EL0 = Self(3, 3, 14, 2, 2)
}
