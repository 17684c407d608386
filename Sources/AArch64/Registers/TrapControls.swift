import Kernel

/// Counter-timer Hypervisor Control Register with HCR_EL2.E2H clear (Arm ARM DDI 0487, CNTHCTL_EL2).
struct CNTHCTL_EL2: OptionSet, Sendable {
  let rawValue: UInt64

  static let el1pcten = Self(rawValue: 1 << 0)  // EL1 and EL0 reads of CNTPCT_EL0 do not trap
  static let el1pcen = Self(rawValue: 1 << 1)  // EL1 and EL0 accesses to CNTP_* do not trap
  static let evnten = Self(rawValue: 1 << 2)  // event stream from the physical counter
  static let evntdir = Self(rawValue: 1 << 3)  // events on the falling edge
  static let evnti = BitField(7, 4)  // which counter bit makes events
  static let ecv = Self(rawValue: 1 << 12)  // CNTPOFF_EL2 applies (FEAT_ECV)
  static let el1tvt = Self(rawValue: 1 << 13)  // CNTV_* trap (FEAT_ECV)
  static let el1tvct = Self(rawValue: 1 << 14)  // CNTVCT_EL0 traps (FEAT_ECV)
  static let el1nvpct = Self(rawValue: 1 << 15)
  static let el1nvvct = Self(rawValue: 1 << 16)
  static let evntis = Self(rawValue: 1 << 17)  // events from a coarser bit (FEAT_ECV)
}

/// Counter-timer Hypervisor Control Register with HCR_EL2.E2H set (Arm ARM DDI 0487, CNTHCTL_EL2).
struct CNTHCTL_EL2_VHE: OptionSet, Sendable {
  let rawValue: UInt64

  static let el0pcten = Self(rawValue: 1 << 0)  // with TGE: EL0 reads of CNTPCT_EL0 do not trap
  static let el0vcten = Self(rawValue: 1 << 1)  // with TGE: EL0 reads of CNTVCT_EL0 do not trap
  static let evnten = Self(rawValue: 1 << 2)  // event stream from the physical counter
  static let evntdir = Self(rawValue: 1 << 3)  // events on the falling edge
  static let el0vten = Self(rawValue: 1 << 8)  // with TGE: EL0 accesses to CNTV_* do not trap
  static let el0pten = Self(rawValue: 1 << 9)  // with TGE: EL0 accesses to CNTP_* do not trap
  static let el1pcten = Self(rawValue: 1 << 10)  // EL1 and EL0 reads of CNTPCT_EL0 do not trap
  static let el1pten = Self(rawValue: 1 << 11)  // EL1 and EL0 accesses to CNTP_* do not trap
  static let ecv = Self(rawValue: 1 << 12)  // CNTPOFF_EL2 applies (FEAT_ECV)
}

/// Monitor Debug Configuration Register (Arm ARM DDI 0487, MDCR_EL2).
struct MDCR_EL2: OptionSet, Sendable {
  let rawValue: UInt64

  static let hpmn = BitField(4, 0)  // PMU counters that EL1 may use; PMCR_EL0.N unless there is no PMU
  static let tpmcr = Self(rawValue: 1 << 5)  // PMCR_EL0 traps
  static let tpm = Self(rawValue: 1 << 6)  // PMU registers trap
  static let hpme = Self(rawValue: 1 << 7)  // EL2's own PMU counters on
  static let tde = Self(rawValue: 1 << 8)  // debug exceptions are taken to EL2
  static let tda = Self(rawValue: 1 << 9)  // debug registers trap
  static let tdosa = Self(rawValue: 1 << 10)  // OS lock and power-down debug registers trap
  static let tdra = Self(rawValue: 1 << 11)  // debug ROM address registers trap
  static let e2pb = BitField(13, 12)  // owner of the profiling buffer; 0: EL2, and EL1 accesses trap
  static let tpms = Self(rawValue: 1 << 14)  // statistical profiling registers trap
  static let enspm = Self(rawValue: 1 << 15)  // system PMU registers do not trap
  static let hpmd = Self(rawValue: 1 << 17)  // counters stand still at EL2
  static let ttrf = Self(rawValue: 1 << 19)  // trace filter registers trap
  static let hccd = Self(rawValue: 1 << 23)  // the cycle counter stands still at EL2
  static let e2tb = BitField(25, 24)  // owner of the trace buffer; 0: EL2, and EL1 accesses trap
  static let hlp = Self(rawValue: 1 << 26)  // EL2's counters are 64 bits long
  static let tdcc = Self(rawValue: 1 << 27)  // debug communication channel registers trap
  static let mtpme = Self(rawValue: 1 << 28)  // multi-threaded PMU counting allowed
}

/// Architectural Feature Trap Register with HCR_EL2.E2H clear (Arm ARM DDI 0487, CPTR_EL2).
struct CPTR_EL2: OptionSet, Sendable {
  let rawValue: UInt64

  static let res1 = Self(rawValue: 0x22ff)  // [13], [9], [7:0]: always 1
  static let tz = Self(rawValue: 1 << 8)  // SVE traps; always 1 without SVE
  static let tfp = Self(rawValue: 1 << 10)  // SIMD and FP trap
  static let tsm = Self(rawValue: 1 << 12)  // SME traps; always 1 without SME
  static let tta = Self(rawValue: 1 << 20)  // trace registers trap
  static let tam = Self(rawValue: 1 << 30)  // activity monitor registers trap
  static let tcpac = Self(rawValue: 1 << 31)  // CPACR_EL1 traps
}

/// Architectural Feature Trap Register with HCR_EL2.E2H set (Arm ARM DDI 0487, CPTR_EL2).
struct CPTR_EL2_VHE: OptionSet, Sendable {
  let rawValue: UInt64

  static let zen = BitField(17, 16)  // 3: SVE does not trap
  static let fpen = BitField(21, 20)  // 3: SIMD and FP do not trap
  static let smen = BitField(25, 24)  // 3: SME does not trap
  static let tta = Self(rawValue: 1 << 28)  // trace registers trap
  static let tam = Self(rawValue: 1 << 30)  // activity monitor registers trap
  static let tcpac = Self(rawValue: 1 << 31)  // CPACR_EL1 traps
}
