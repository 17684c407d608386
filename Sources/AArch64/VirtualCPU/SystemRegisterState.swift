import CAArch64

/// The EL1 and EL0 system registers that belong to a vCPU and are in the hardware while it is loaded
/// (Documentation/CPUState-aarch64.md says of each piece of state whether it is switched, trapped or hidden).
struct SystemRegisterState {
  var sp_el0: UInt64 = 0
  var sp_el1: UInt64 = 0
  var elr_el1: UInt64 = 0
  var spsr_el1: UInt64 = 0
  var sctlr_el1: UInt64 = SCTLR_EL1.atPowerOn.rawValue
  var cpacr_el1: UInt64 = 0
  var ttbr0_el1: UInt64 = 0
  var ttbr1_el1: UInt64 = 0
  var tcr_el1: UInt64 = 0
  var esr_el1: UInt64 = 0
  var far_el1: UInt64 = 0
  var afsr0_el1: UInt64 = 0
  var afsr1_el1: UInt64 = 0
  var mair_el1: UInt64 = 0
  var amair_el1: UInt64 = 0
  var vbar_el1: UInt64 = 0
  var contextidr_el1: UInt64 = 0
  var tpidr_el0: UInt64 = 0
  var tpidr_el1: UInt64 = 0
  var tpidrro_el0: UInt64 = 0
  var csselr_el1: UInt64 = 0
  var par_el1: UInt64 = 0
  var cntkctl_el1: UInt64 = 0
  var mdscr_el1: UInt64 = 0
  /// The guest's virtual timer; its interrupt is watched by the hypervisor while the vCPU is not loaded.
  var cntv_ctl_el0: UInt64 = 0
  var cntv_cval_el0: UInt64 = 0

  mutating func save() {
    sp_el0 = read_SP_EL0()
    sp_el1 = read_SP_EL1()
    elr_el1 = read_ELR_EL1()
    spsr_el1 = read_SPSR_EL1()
    sctlr_el1 = read_SCTLR_EL1()
    cpacr_el1 = read_CPACR_EL1()
    ttbr0_el1 = read_TTBR0_EL1()
    ttbr1_el1 = read_TTBR1_EL1()
    tcr_el1 = read_TCR_EL1()
    esr_el1 = read_ESR_EL1()
    far_el1 = read_FAR_EL1()
    afsr0_el1 = read_AFSR0_EL1()
    afsr1_el1 = read_AFSR1_EL1()
    mair_el1 = read_MAIR_EL1()
    amair_el1 = read_AMAIR_EL1()
    vbar_el1 = read_VBAR_EL1()
    contextidr_el1 = read_CONTEXTIDR_EL1()
    tpidr_el0 = read_TPIDR_EL0()
    tpidr_el1 = read_TPIDR_EL1()
    tpidrro_el0 = read_TPIDRRO_EL0()
    csselr_el1 = read_CSSELR_EL1()
    par_el1 = read_PAR_EL1()
    cntkctl_el1 = read_CNTKCTL_EL1()
    mdscr_el1 = read_MDSCR_EL1()
    cntv_ctl_el0 = read_CNTV_CTL_EL0()
    cntv_cval_el0 = read_CNTV_CVAL_EL0()
    write_CNTV_CTL_EL0(0)
  }

  func load() {
    write_SP_EL0(sp_el0)
    write_SP_EL1(sp_el1)
    write_ELR_EL1(elr_el1)
    write_SPSR_EL1(spsr_el1)
    write_SCTLR_EL1(sctlr_el1)
    write_CPACR_EL1(cpacr_el1)
    write_TTBR0_EL1(ttbr0_el1)
    write_TTBR1_EL1(ttbr1_el1)
    write_TCR_EL1(tcr_el1)
    write_ESR_EL1(esr_el1)
    write_FAR_EL1(far_el1)
    write_AFSR0_EL1(afsr0_el1)
    write_AFSR1_EL1(afsr1_el1)
    write_MAIR_EL1(mair_el1)
    write_AMAIR_EL1(amair_el1)
    write_VBAR_EL1(vbar_el1)
    write_CONTEXTIDR_EL1(contextidr_el1)
    write_TPIDR_EL0(tpidr_el0)
    write_TPIDR_EL1(tpidr_el1)
    write_TPIDRRO_EL0(tpidrro_el0)
    write_CSSELR_EL1(csselr_el1)
    write_PAR_EL1(par_el1)
    write_CNTKCTL_EL1(cntkctl_el1)
    write_MDSCR_EL1(mdscr_el1)
    write_CNTV_CVAL_EL0(cntv_cval_el0)
    write_CNTV_CTL_EL0(cntv_ctl_el0)
  }
}

/// The guest's pointer authentication keys, switched where the CPU has them.
struct PointerAuthenticationKeys {
  var apiakeylo: UInt64 = 0
  var apiakeyhi: UInt64 = 0
  var apibkeylo: UInt64 = 0
  var apibkeyhi: UInt64 = 0
  var apdakeylo: UInt64 = 0
  var apdakeyhi: UInt64 = 0
  var apdbkeylo: UInt64 = 0
  var apdbkeyhi: UInt64 = 0
  var apgakeylo: UInt64 = 0
  var apgakeyhi: UInt64 = 0

  mutating func save() {
    apiakeylo = read_APIAKeyLo_EL1()
    apiakeyhi = read_APIAKeyHi_EL1()
    apibkeylo = read_APIBKeyLo_EL1()
    apibkeyhi = read_APIBKeyHi_EL1()
    apdakeylo = read_APDAKeyLo_EL1()
    apdakeyhi = read_APDAKeyHi_EL1()
    apdbkeylo = read_APDBKeyLo_EL1()
    apdbkeyhi = read_APDBKeyHi_EL1()
    apgakeylo = read_APGAKeyLo_EL1()
    apgakeyhi = read_APGAKeyHi_EL1()
  }

  func load() {
    write_APIAKeyLo_EL1(apiakeylo)
    write_APIAKeyHi_EL1(apiakeyhi)
    write_APIBKeyLo_EL1(apibkeylo)
    write_APIBKeyHi_EL1(apibkeyhi)
    write_APDAKeyLo_EL1(apdakeylo)
    write_APDAKeyHi_EL1(apdakeyhi)
    write_APDBKeyLo_EL1(apdbkeylo)
    write_APDBKeyHi_EL1(apdbkeyhi)
    write_APGAKeyLo_EL1(apgakeylo)
    write_APGAKeyHi_EL1(apgakeyhi)
  }
}
