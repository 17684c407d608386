import CAArch64

/// State that EL1 reaches without a trap although it is none of `SystemRegisterState`: the OS lock, the debug channel's
/// interrupts, and what only some CPUs have. It is switched so that no guest finds there what another has left.
struct OptionalRegisterState {
  /// OSLSR_EL1.OSLK, bit 1; locked at power-on (Arm ARM DDI 0487, OSLSR_EL1).
  private var osLockStatus: UInt64 = 1 << 1
  private var mdccint_el1: UInt64 = 0
  /// What EL1 reads and writes as DISR_EL1 while HCR_EL2.AMO is set (FEAT_RAS).
  private var vdisr_el2: UInt64 = 0
  /// Untrapped where the CPU has SME but no fine-grained traps; SME itself is hidden.
  private var tpidr2_el0: UInt64 = 0

  mutating func save(_ identity: CPUIdentity) {
    osLockStatus = read_OSLSR_EL1()
    mdccint_el1 = read_MDCCINT_EL1()
    if identity.hasRAS { vdisr_el2 = read_VDISR_EL2() }
    if identity.hasSME { tpidr2_el0 = read_TPIDR2_EL0() }
  }

  func load(_ identity: CPUIdentity) {
    write_OSLAR_EL1((osLockStatus >> 1) & 1)
    write_MDCCINT_EL1(mdccint_el1)
    if identity.hasRAS { write_VDISR_EL2(vdisr_el2) }
    if identity.hasSME { write_TPIDR2_EL0(tpidr2_el0) }
  }
}
