/// HCR_EL2 for guests: what is trapped and what is not, each with its reason.
extension HCR_EL2 {
  static func guest(on identity: CPUIdentity, idlesNatively: Bool) -> Self {
    var hcr: Self = [
      .vm,  // stage 2
      .rw,  // EL1 is AArch64
      .imo, .fmo, .amo,  // physical interrupts leave the guest, virtual ones are on
      .tsc,  // SMC is answered here, never by the firmware
      .tidcp,  // implementation-defined registers are not the guest's
      .tacr,  // nor is ACTLR_EL1
      .tid1, .tid3,  // the ID registers tell what the guest has
      .fb, .bsuInnerShareable,  // maintenance and barriers reach every CPU that a vCPU could have been on
      .ptw,  // a guest's page tables are in RAM
      .swio,  // invalidation by set and way must not drop another VM's lines
    ]
    if !idlesNatively { hcr.insert(.twi) }  // a waiting vCPU gives its CPU away
    if identity.hasPointerAuthentication { hcr.formUnion([.apk, .api]) }  // the keys are the guest's and switched
    if identity.hasLOR { hcr.insert(.tlor) }  // limited ordering regions are hidden
    if identity.hasRAS { hcr.insert(.terr) }  // error records are the machine's
    if identity.hasMTE { hcr.insert(.tid5) }  // tags are hidden; without ATA their registers trap
    return hcr
  }
}

/// CPTR_EL2 for guests.
extension CPTR_EL2 {
  static func guest(on identity: CPUIdentity) -> Self {
    var cptr: Self = [.res1, .tz, .tsm, .tta]  // SVE, SME and trace are hidden
    if identity.hasAMU { cptr.insert(.tam) }  // activity monitors are hidden
    return cptr
  }
}
