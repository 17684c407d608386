import CAArch64

/// What a guest reads in the ID registers (ID group 3, which HCR_EL2.TID3 traps): the truth about what it has. What is
/// hidden is undefined or reads as zero, by the traps in HCR_EL2, CPTR_EL2 and MDCR_EL2.
enum IDRegisters {
  /// The value for the guest; nil where `register` is not in the group.
  ///
  /// - Parameter host: The machine's own value of a register in the group; 0 where it has none.
  static func guestValue(of register: SystemRegister, host: (SystemRegister) -> UInt64) -> UInt64? {
    guard register.op0 == 3, register.op1 == 0, register.crn == 0, (1...7).contains(register.crm) else { return nil }
    let value = host(register)
    switch register {
    case .idAA64PFR0: return features0(value)
    // BT and SSBS. Without MTE, SME, MPAM, RAS, NMI.
    case .idAA64PFR1: return value & fields(0, 4)
    case .idAA64DFR0: return debug(value)
    // Without TME.
    case .idAA64ISAR0: return value & ~fields(24)
    // Without LS64.
    case .idAA64ISAR1: return value & ~fields(60)
    // Without MOPS, which needs HCRX_EL2.
    case .idAA64ISAR2: return value & fields(0, 4, 8, 12, 20, 24)
    case .idAA64MMFR0: return memory0(value)
    // Without VHE, LORegions, XNX, TWED, HCX, TIDCP1, CMOW, 16-bit VMIDs.
    case .idAA64MMFR1: return value & fields(0, 12, 20, 36, 44, 48)
    // Without IESB, nested virtualization, FWB, EVT.
    case .idAA64MMFR2: return value & fields(0, 4, 8, 16, 20, 28, 32, 36, 48, 52, 60)
    // No PMU for AArch32 either.
    case .idDFR0: return value & ~fields(24)
    // SVE, SME, the second debug register, MMFR3 and MMFR4 (HCRX_EL2): none of it.
    default: return register.crm <= 3 ? value : 0
    }
  }

  /// The four-bit fields that begin at these bits.
  private static func fields(_ positions: UInt64...) -> UInt64 {
    var mask: UInt64 = 0
    for position in positions { mask |= 0xf << position }
    return mask
  }

  /// ID_AA64PFR0_EL1: no EL2, no EL3, EL1 in AArch64 alone; no RAS, SVE, MPAM, AMU; CSV2 without the context number.
  private static func features0(_ value: UInt64) -> UInt64 {
    let kept = value & fields(0, 16, 20, 24, 48, 60)
    let csv2 = min((value >> 56) & 0xf, 1)
    return kept | 1 << 4 | csv2 << 56
  }

  /// ID_AA64DFR0_EL1: breakpoints and watchpoints; no PMU, trace, profiling, double lock.
  private static func debug(_ value: UInt64) -> UInt64 { value & fields(0, 12, 20, 28) | 0xf << 36 }

  /// ID_AA64MMFR0_EL1: addresses of at most 40 bits, as stage 2 has them; no FGT, no ECV, no ExS.
  private static func memory0(_ value: UInt64) -> UInt64 {
    value & fields(4, 8, 12, 16, 20, 24, 28, 32, 36, 40) | min(value & 0xf, 2)
  }

  /// The machine's own value.
  static func hostValue(of register: SystemRegister) -> UInt64 {
    switch register {
    case .idAA64PFR0: read_ID_AA64PFR0_EL1()
    case .idAA64PFR1: read_ID_AA64PFR1_EL1()
    case .idAA64DFR0: read_ID_AA64DFR0_EL1()
    case .idAA64ISAR0: read_ID_AA64ISAR0_EL1()
    case .idAA64ISAR1: read_ID_AA64ISAR1_EL1()
    case .idAA64ISAR2: read_ID_AA64ISAR2_EL1()
    case .idAA64MMFR0: read_ID_AA64MMFR0_EL1()
    case .idAA64MMFR1: read_ID_AA64MMFR1_EL1()
    case .idAA64MMFR2: read_ID_AA64MMFR2_EL1()
    case .idPFR0: read_ID_PFR0_EL1()
    case .idPFR1: read_ID_PFR1_EL1()
    case .idDFR0: read_ID_DFR0_EL1()
    case .idAFR0: read_ID_AFR0_EL1()
    case .idMMFR0: read_ID_MMFR0_EL1()
    case .idMMFR1: read_ID_MMFR1_EL1()
    case .idMMFR2: read_ID_MMFR2_EL1()
    case .idMMFR3: read_ID_MMFR3_EL1()
    case .idISAR0: read_ID_ISAR0_EL1()
    case .idISAR1: read_ID_ISAR1_EL1()
    case .idISAR2: read_ID_ISAR2_EL1()
    case .idISAR3: read_ID_ISAR3_EL1()
    case .idISAR4: read_ID_ISAR4_EL1()
    case .idISAR5: read_ID_ISAR5_EL1()
    case .idMMFR4: read_ID_MMFR4_EL1()
    case .idISAR6: read_ID_ISAR6_EL1()
    case .mvfr0: read_MVFR0_EL1()
    case .mvfr1: read_MVFR1_EL1()
    case .mvfr2: read_MVFR2_EL1()
    case .idPFR2: read_ID_PFR2_EL1()
    case .idDFR1: read_ID_DFR1_EL1()
    case .idMMFR5: read_ID_MMFR5_EL1()
    default: 0
    }
  }
}

/// ID group 3 by name.
extension SystemRegister {
  static let idAA64PFR0 = Self(3, 0, 0, 4, 0)
  static let idAA64PFR1 = Self(3, 0, 0, 4, 1)
  static let idAA64DFR0 = Self(3, 0, 0, 5, 0)
  static let idAA64ISAR0 = Self(3, 0, 0, 6, 0)
  static let idAA64ISAR1 = Self(3, 0, 0, 6, 1)
  static let idAA64ISAR2 = Self(3, 0, 0, 6, 2)
  static let idAA64MMFR0 = Self(3, 0, 0, 7, 0)
  static let idAA64MMFR1 = Self(3, 0, 0, 7, 1)
  static let idAA64MMFR2 = Self(3, 0, 0, 7, 2)
  static let idPFR0 = Self(3, 0, 0, 1, 0)
  static let idPFR1 = Self(3, 0, 0, 1, 1)
  static let idDFR0 = Self(3, 0, 0, 1, 2)
  static let idAFR0 = Self(3, 0, 0, 1, 3)
  static let idMMFR0 = Self(3, 0, 0, 1, 4)
  static let idMMFR1 = Self(3, 0, 0, 1, 5)
  static let idMMFR2 = Self(3, 0, 0, 1, 6)
  static let idMMFR3 = Self(3, 0, 0, 1, 7)
  static let idISAR0 = Self(3, 0, 0, 2, 0)
  static let idISAR1 = Self(3, 0, 0, 2, 1)
  static let idISAR2 = Self(3, 0, 0, 2, 2)
  static let idISAR3 = Self(3, 0, 0, 2, 3)
  static let idISAR4 = Self(3, 0, 0, 2, 4)
  static let idISAR5 = Self(3, 0, 0, 2, 5)
  static let idMMFR4 = Self(3, 0, 0, 2, 6)
  static let idISAR6 = Self(3, 0, 0, 2, 7)
  static let mvfr0 = Self(3, 0, 0, 3, 0)
  static let mvfr1 = Self(3, 0, 0, 3, 1)
  static let mvfr2 = Self(3, 0, 0, 3, 2)
  static let idPFR2 = Self(3, 0, 0, 3, 4)
  static let idDFR1 = Self(3, 0, 0, 3, 5)
  static let idMMFR5 = Self(3, 0, 0, 3, 6)
}
