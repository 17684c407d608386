import CGuestAArch64
import DeviceTree
import GuestKit

/// One of the instructions in `Probes.S`.
private struct Instruction: Sendable {
  let name: StaticString
  let run: @convention(c) @Sendable (UInt64) -> UInt64
}

private let loads: [Instruction] = [
  Instruction(name: "LDRSB", run: guest_probe_ldrsb),
  Instruction(name: "LDRSW", run: guest_probe_ldrsw),
  Instruction(name: "LDR post-index", run: guest_probe_ldr_post),
  Instruction(name: "LDR pre-index", run: guest_probe_ldr_pre),
  Instruction(name: "LDTR", run: guest_probe_ldtr),
  Instruction(name: "LDP", run: guest_probe_ldp),
  Instruction(name: "LDP of words", run: guest_probe_ldp_word),
  Instruction(name: "LDPSW", run: guest_probe_ldpsw),
  Instruction(name: "LDNP", run: guest_probe_ldnp),
  Instruction(name: "LDAR", run: guest_probe_ldar),
  Instruction(name: "LDXR", run: guest_probe_ldxr),
  Instruction(name: "LDXP", run: guest_probe_ldxp),
  Instruction(name: "LDR of 16 bytes", run: guest_probe_ldr_simd),
  Instruction(name: "LDP of 32 bytes", run: guest_probe_ldp_simd),
  Instruction(name: "LD1 of 64 bytes", run: guest_probe_ld1),
  Instruction(name: "LD4 of a lane", run: guest_probe_ld4_lane),
  Instruction(name: "PRFM", run: guest_probe_prfm),
  Instruction(name: "DC CVAC", run: guest_probe_dc_cvac),
  Instruction(name: "DC CIVAC", run: guest_probe_dc_civac),
  Instruction(name: "DC IVAC", run: guest_probe_dc_ivac),
  Instruction(name: "IC IVAU", run: guest_probe_ic_ivau),
  Instruction(name: "AT S1E1R", run: guest_probe_at_s1e1r),
  Instruction(name: "AT S1E1W", run: guest_probe_at_s1e1w),
]

private let stores: [Instruction] = [
  Instruction(name: "STR post-index", run: guest_probe_str_post),
  Instruction(name: "STTR", run: guest_probe_sttr),
  Instruction(name: "STP", run: guest_probe_stp),
  Instruction(name: "STP of words", run: guest_probe_stp_word),
  Instruction(name: "STNP", run: guest_probe_stnp),
  Instruction(name: "STLR", run: guest_probe_stlr),
  Instruction(name: "STXR", run: guest_probe_stxr),
  Instruction(name: "LDXR, STXR", run: guest_probe_exclusive_pair),
  Instruction(name: "STR of 16 bytes", run: guest_probe_str_simd),
  Instruction(name: "STP of 32 bytes", run: guest_probe_stp_simd),
  Instruction(name: "ST1 of 64 bytes", run: guest_probe_st1),
  Instruction(name: "DC ZVA", run: guest_probe_dc_zva),
]

private let atomics: [Instruction] = [
  Instruction(name: "LDADD", run: guest_probe_ldadd),
  Instruction(name: "SWP", run: guest_probe_swp),
  Instruction(name: "CAS", run: guest_probe_cas),
  Instruction(name: "CASP", run: guest_probe_casp),
]

/// `hostile-instructions`: what a hypervisor cannot decode from the syndrome, on devices and on nothing.
func runHostileInstructions(_ verdict: inout Verdict) {
  let platform = machine.platform
  // Registers that only identify, so that a store changes nothing: peripheral IDs, and the GIC's IIDR and TYPER.
  let readable = [
    platform.uart.address + 0xFC0, platform.distributor.address + 0x10, machine.endOfMemory + 0x1000,
    (platform.redistributors.first?.address ?? 0) + 0x10, (platform.clock ?? platform.uart).address + 0xFC0,
  ]
  // ID_AA64ISAR0_EL1.Atomic: 2 says that the large system extensions are there.
  let hasAtomics = guest_read_id_aa64isar0() >> 20 & 0xF >= 2
  for physical in readable {
    let address = machine.mapForUser(physical)
    for instruction in loads + stores + (hasAtomics ? atomics : []) {
      verdict.probe(instruction.name, physical, allowed: .deviceAccess) { instruction.run(address) }
    }
  }
}

extension AArch64Machine {
  /// Maps the GiB of a physical address once more, as device memory that EL0 may use too: LDTR and STTR ask for that.
  fileprivate func mapForUser(_ physical: UInt64) -> UInt64 {
    let window: UInt64 = 202
    setLowerBlock(window, (physical >> 30) << 30 | 0x445)
    guest_tlb_invalidate()
    return window << 30 | physical & 0x3FFF_FFFF
  }
}
