import Kernel

/// One field of an ID register and what a guest reads there (Arm ARM DDI 0487, D19.2).
struct IDField {
  enum Rule {
    /// What the machine has.
    case truth
    /// What the machine has, but no more than this.
    case atMost(UInt64)
    /// This, whatever the machine has.
    case fixed(UInt64)
  }

  let register: SystemRegister
  let name: StaticString
  let bits: BitField
  let rule: Rule

  init(_ register: SystemRegister, _ name: StaticString, _ upper: UInt64, _ lower: UInt64, _ rule: Rule = .truth) {
    self.register = register
    self.name = name
    bits = BitField(upper, lower)
    self.rule = rule
  }

  /// The field at its place, as the guest reads it where the machine's register has `host`.
  func value(host: UInt64) -> UInt64 {
    switch rule {
    case .truth: host & bits.mask
    case .atMost(let limit): bits.placed(min(bits.value(in: host), limit))
    case .fixed(let value): bits.placed(value)
    }
  }

  /// Every field that a guest sees. All others read as zero: nothing is there that this table does not name, so a
  /// newer CPU shows a guest nothing that the hypervisor does not know.
  static let all: [IDField] = processor + debug + instructions + memory + aarch32

  private static let processor: [IDField] = [
    // EL2, EL3, RAS, SVE, SEL2, MPAM, AMU, RME: not there.
    IDField(.ID_AA64PFR0_EL1, "EL0", 3, 0),  // 2: AArch32 too
    IDField(.ID_AA64PFR0_EL1, "EL1", 7, 4, .fixed(1)),  // AArch64 alone
    IDField(.ID_AA64PFR0_EL1, "FP", 19, 16),  // 0xf: none
    IDField(.ID_AA64PFR0_EL1, "AdvSIMD", 23, 20),  // 0xf: none
    IDField(.ID_AA64PFR0_EL1, "GIC", 27, 24, .atMost(1)),  // 1: GICv3 system registers; what GICv4 adds is EL2's
    IDField(.ID_AA64PFR0_EL1, "DIT", 51, 48),
    IDField(.ID_AA64PFR0_EL1, "CSV2", 59, 56, .atMost(1)),  // 2 and up: SCXTNUM_ELx
    IDField(.ID_AA64PFR0_EL1, "CSV3", 63, 60),
    // MTE, RAS_frac, MPAM_frac, SME, RNDR_trap, NMI, GCS, THE and the rest: not there.
    IDField(.ID_AA64PFR1_EL1, "BT", 3, 0),
    IDField(.ID_AA64PFR1_EL1, "SSBS", 7, 4),
  ]

  private static let debug: [IDField] = [
    // TraceVer, PMUVer, PMSVer, TraceFilt, TraceBuffer, MTPMU, BRBE: not there.
    IDField(.ID_AA64DFR0_EL1, "DebugVer", 3, 0, .atMost(9)),  // 9: Armv8.4; later ones have more registers
    IDField(.ID_AA64DFR0_EL1, "BRPs", 15, 12),
    IDField(.ID_AA64DFR0_EL1, "WRPs", 23, 20),
    IDField(.ID_AA64DFR0_EL1, "CTX_CMPs", 31, 28),
    IDField(.ID_AA64DFR0_EL1, "DoubleLock", 39, 36, .fixed(0xf)),  // none: OSDLR_EL1 ignores writes
  ]

  private static let instructions: [IDField] = [
    IDField(.ID_AA64ISAR0_EL1, "AES", 7, 4),
    IDField(.ID_AA64ISAR0_EL1, "SHA1", 11, 8),
    IDField(.ID_AA64ISAR0_EL1, "SHA2", 15, 12),
    IDField(.ID_AA64ISAR0_EL1, "CRC32", 19, 16),
    IDField(.ID_AA64ISAR0_EL1, "Atomic", 23, 20),
    IDField(.ID_AA64ISAR0_EL1, "RDM", 31, 28),
    IDField(.ID_AA64ISAR0_EL1, "SHA3", 35, 32),
    IDField(.ID_AA64ISAR0_EL1, "SM3", 39, 36),
    IDField(.ID_AA64ISAR0_EL1, "SM4", 43, 40),
    IDField(.ID_AA64ISAR0_EL1, "DP", 47, 44),
    IDField(.ID_AA64ISAR0_EL1, "FHM", 51, 48),
    IDField(.ID_AA64ISAR0_EL1, "TS", 55, 52),
    IDField(.ID_AA64ISAR0_EL1, "TLB", 59, 56),
    IDField(.ID_AA64ISAR0_EL1, "RNDR", 63, 60),
    // LS64: needs HCRX_EL2.
    IDField(.ID_AA64ISAR1_EL1, "DPB", 3, 0),
    IDField(.ID_AA64ISAR1_EL1, "APA", 7, 4),
    IDField(.ID_AA64ISAR1_EL1, "API", 11, 8),
    IDField(.ID_AA64ISAR1_EL1, "JSCVT", 15, 12),
    IDField(.ID_AA64ISAR1_EL1, "FCMA", 19, 16),
    IDField(.ID_AA64ISAR1_EL1, "LRCPC", 23, 20),
    IDField(.ID_AA64ISAR1_EL1, "GPA", 27, 24),
    IDField(.ID_AA64ISAR1_EL1, "GPI", 31, 28),
    IDField(.ID_AA64ISAR1_EL1, "FRINTTS", 35, 32),
    IDField(.ID_AA64ISAR1_EL1, "SB", 39, 36),
    IDField(.ID_AA64ISAR1_EL1, "SPECRES", 43, 40),
    IDField(.ID_AA64ISAR1_EL1, "BF16", 47, 44),
    IDField(.ID_AA64ISAR1_EL1, "DGH", 51, 48),
    IDField(.ID_AA64ISAR1_EL1, "I8MM", 55, 52),
    IDField(.ID_AA64ISAR1_EL1, "XS", 59, 56),
    // WFxT: a wait is a wait for an interrupt here. MOPS: needs HCRX_EL2.
    IDField(.ID_AA64ISAR2_EL1, "RPRES", 7, 4),
    IDField(.ID_AA64ISAR2_EL1, "GPA3", 11, 8),
    IDField(.ID_AA64ISAR2_EL1, "APA3", 15, 12),
    IDField(.ID_AA64ISAR2_EL1, "BC", 23, 20),
    IDField(.ID_AA64ISAR2_EL1, "PAC_frac", 27, 24),
    IDField(.ID_AA64ISAR2_EL1, "CLRBHB", 31, 28),
    IDField(.ID_AA64ISAR2_EL1, "RPRFM", 51, 48),
    IDField(.ID_AA64ISAR2_EL1, "CSSC", 55, 52),
  ]

  private static let memory: [IDField] = [
    // SNSMem, stage-2 page sizes, FGT, ECV: not there.
    IDField(.ID_AA64MMFR0_EL1, "PARange", 3, 0, .atMost(2)),  // 2: 40 bits, as stage 2 has them
    IDField(.ID_AA64MMFR0_EL1, "ASIDBits", 7, 4),
    IDField(.ID_AA64MMFR0_EL1, "BigEnd", 11, 8),
    IDField(.ID_AA64MMFR0_EL1, "BigEndEL0", 19, 16),
    IDField(.ID_AA64MMFR0_EL1, "TGran16", 23, 20, .atMost(1)),  // 2: 52-bit addresses
    IDField(.ID_AA64MMFR0_EL1, "TGran64", 27, 24),  // 0xf: none
    IDField(.ID_AA64MMFR0_EL1, "TGran4", 31, 28),  // 0xf: none; 1: 52-bit addresses
    IDField(.ID_AA64MMFR0_EL1, "ExS", 47, 44),
    // VMIDBits, VH, LO, SpecSEI, XNX, TWED, HCX, TIDCP1, CMOW: EL2's, or not there.
    IDField(.ID_AA64MMFR1_EL1, "HAFDBS", 3, 0, .atMost(2)),  // 3: needs TCR2_EL1
    IDField(.ID_AA64MMFR1_EL1, "HPDS", 15, 12),
    IDField(.ID_AA64MMFR1_EL1, "PAN", 23, 20),
    IDField(.ID_AA64MMFR1_EL1, "ETS", 39, 36),
    IDField(.ID_AA64MMFR1_EL1, "AFP", 47, 44),
    IDField(.ID_AA64MMFR1_EL1, "nTLBPA", 51, 48),
    IDField(.ID_AA64MMFR1_EL1, "ECBHB", 63, 60),
    // IESB (RAS), NV, FWB, EVT: EL2's, or not there.
    IDField(.ID_AA64MMFR2_EL1, "CnP", 3, 0),
    IDField(.ID_AA64MMFR2_EL1, "UAO", 7, 4),
    IDField(.ID_AA64MMFR2_EL1, "LSM", 11, 8),
    IDField(.ID_AA64MMFR2_EL1, "VARange", 19, 16),
    IDField(.ID_AA64MMFR2_EL1, "CCIDX", 23, 20),
    IDField(.ID_AA64MMFR2_EL1, "ST", 31, 28),
    IDField(.ID_AA64MMFR2_EL1, "AT", 35, 32),
    IDField(.ID_AA64MMFR2_EL1, "IDS", 39, 36),
    IDField(.ID_AA64MMFR2_EL1, "TTL", 51, 48),
    IDField(.ID_AA64MMFR2_EL1, "BBM", 55, 52),
    IDField(.ID_AA64MMFR2_EL1, "E0PD", 63, 60),
  ]

  /// For EL0 in AArch32, where the CPU has it.
  private static let aarch32: [IDField] = [
    // AMU, RAS: not there.
    IDField(.ID_PFR0_EL1, "State0…State3", 15, 0),
    IDField(.ID_PFR0_EL1, "CSV2", 19, 16, .atMost(1)),
    IDField(.ID_PFR0_EL1, "DIT", 27, 24),
    IDField(.ID_PFR1_EL1, "ProgMod…GenTimer", 19, 0),
    IDField(.ID_PFR1_EL1, "GIC", 31, 28, .atMost(1)),
    IDField(.ID_PFR2_EL1, "CSV3, SSBS", 7, 0),
    // CopTrc, MMapTrc, PerfMon, TraceFilt: not there.
    IDField(.ID_DFR0_EL1, "CopDbg, CopSDbg, MMapDbg", 11, 0),
    IDField(.ID_ISAR0_EL1, "all", 31, 0),
    IDField(.ID_ISAR1_EL1, "all", 31, 0),
    IDField(.ID_ISAR2_EL1, "all", 31, 0),
    IDField(.ID_ISAR3_EL1, "all", 31, 0),
    IDField(.ID_ISAR4_EL1, "all", 31, 0),
    IDField(.ID_ISAR5_EL1, "all", 31, 0),
    IDField(.ID_ISAR6_EL1, "all", 31, 0),
    IDField(.ID_MMFR0_EL1, "all", 31, 0),
    IDField(.ID_MMFR1_EL1, "all", 31, 0),
    IDField(.ID_MMFR2_EL1, "all", 31, 0),
    IDField(.ID_MMFR3_EL1, "all", 31, 0),
    IDField(.ID_MMFR4_EL1, "all", 31, 0),
    IDField(.ID_MMFR5_EL1, "all", 31, 0),
    IDField(.MVFR0_EL1, "all", 31, 0),
    IDField(.MVFR1_EL1, "all", 31, 0),
    IDField(.MVFR2_EL1, "all", 31, 0),
  ]
}
