import CRISCV64

/// The supervisor registers that belong to a vCPU and are in the hardware while it is loaded.
struct SystemRegisterState {
  var vsstatus: UInt64 = 0
  var vstvec: UInt64 = 0
  var vsscratch: UInt64 = 0
  var vsepc: UInt64 = 0
  var vscause: UInt64 = 0
  var vstval: UInt64 = 0
  var vsatp: UInt64 = 0
  /// Which of its interrupts the guest takes: `vsie`, at the places of `hvip`.
  var hie: UInt64 = 0
  /// Which interrupts are raised for the guest.
  var hvip: UInt64 = 0
  // These two have no place of their own in VS-mode: a guest uses the hypervisor's.
  var scounteren: UInt64 = 0
  var senvcfg: UInt64 = 0
  /// The guest's timer where there is Sstc; all ones never.
  var vstimecmp: UInt64 = .max

  mutating func save(hasSstc: Bool) {
    vsstatus = read_vsstatus()
    vstvec = read_vstvec()
    vsscratch = read_vsscratch()
    vsepc = read_vsepc()
    vscause = read_vscause()
    vstval = read_vstval()
    vsatp = read_vsatp()
    hie = read_hie()
    hvip = read_hvip()
    scounteren = read_scounteren()
    senvcfg = read_senvcfg()
    if hasSstc { vstimecmp = read_vstimecmp() }
    write_hie(0)
  }

  func load(hasSstc: Bool) {
    write_vsstatus(vsstatus)
    write_vstvec(vstvec)
    write_vsscratch(vsscratch)
    write_vsepc(vsepc)
    write_vscause(vscause)
    write_vstval(vstval)
    write_vsatp(vsatp)
    write_hvip(hvip)
    write_scounteren(scounteren)
    write_senvcfg(senvcfg)
    if hasSstc { write_vstimecmp(vstimecmp) }
    write_hie(hie)
  }
}
