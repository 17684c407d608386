import Kernel
import CAArch64

/// What the CPUs can do, read from the boot CPU; all are of one kind to guests.
struct CPUIdentity {
  static let affinityMask: UInt64 = 0xff_00ff_ffff

  let hasPointerAuthentication: Bool
  /// Nil for a CPU that says what no manual knows.
  let physicalRange: PhysicalAddressRange?
  let has16BitVMID: Bool
  let virtualInterface: ICH_VTR_EL2
  let hasSVE: Bool
  let hasSME: Bool
  let hasAMU: Bool
  let hasRAS: Bool
  let hasMTE: Bool
  /// Limited ordering regions.
  let hasLOR: Bool
  /// Fine-grained traps, the registers of version 1.
  let hasFGT: Bool
  let hasHCX: Bool
  /// RNDR: the CPU makes random numbers.
  let hasRandomNumbers: Bool
  let debug: DebugState.Count

  static func read() -> Self {
    let isar1 = read_ID_AA64ISAR1_EL1()
    let isar2 = read_ID_AA64ISAR2_EL1()
    let pfr0 = read_ID_AA64PFR0_EL1()
    let pfr1 = read_ID_AA64PFR1_EL1()
    let mmfr1 = read_ID_AA64MMFR1_EL1()
    return Self(
      hasPointerAuthentication: isar1 & 0xf000_0ff0 | isar2 & 0xff00 != 0,
      physicalRange: PhysicalAddressRange(features: read_ID_AA64MMFR0_EL1()),
      has16BitVMID: (mmfr1 >> 4) & 0xf == 2,
      virtualInterface: ICH_VTR_EL2(rawValue: read_ICH_VTR_EL2()),
      hasSVE: (pfr0 >> 32) & 0xf != 0,
      hasSME: (pfr1 >> 24) & 0xf != 0,
      hasAMU: (pfr0 >> 44) & 0xf != 0,
      hasRAS: (pfr0 >> 28) & 0xf != 0,
      hasMTE: (pfr1 >> 8) & 0xf != 0,
      hasLOR: (mmfr1 >> 16) & 0xf != 0,
      hasFGT: (read_ID_AA64MMFR0_EL1() >> 56) & 0xf != 0,
      hasHCX: (mmfr1 >> 40) & 0xf != 0,
      hasRandomNumbers: read_ID_AA64ISAR0_EL1() >> 60 != 0,
      debug: DebugState.Count(features: read_ID_AA64DFR0_EL1()))
  }

  /// How guest-physical addresses are translated: 40 bits, or what the CPU has if that is less.
  var stage2: NestedTableFormat? {
    physicalRange.flatMap { NestedTableFormat(inputBitCount: min(40, UInt64($0.bitCount)), machine: $0) }
  }

  var vtcr: VTCR_EL2 { stage2?.controls(hasWideVMIDs: has16BitVMID) ?? VTCR_EL2(rawValue: VTCR_EL2.res1.placed(1)) }

  /// PMU, profiling, trace and OS lock registers trap; debug registers are the guest's. With FEAT_FGT the debug
  /// communication channel traps as well.
  var mdcr: UInt64 {
    var mdcr: MDCR_EL2 = [.tpm, .tpmcr, .tpms, .ttrf, .tdosa, .tdra]
    if hasFGT { mdcr.insert(.tdcc) }
    return mdcr.rawValue
  }
}
