/// Which MPIDR_EL1 a vCPU has: as QEMU's `virt`, sixteen vCPUs share an affinity 1, so that one SGI target list
/// reaches them all.
struct VCPUAffinity: Equatable, Sendable {
  /// The most vCPUs that a VM has: one bit each in a word.
  static let maximumVCPUCount = 64

  let index: Int

  /// `index` is the vCPU's number in its VM, below `maximumVCPUCount`.
  @inline(__always) init(index: Int) { self.index = index }

  /// The vCPU that affinity 3 (bits [31:24]) to affinity 0 (bits [7:0]) name; nil where there can be none.
  @inline(__always) init?(packed: UInt32) {
    guard packed & 0xffff_fcf0 == 0 else { return nil }
    index = Int(packed &>> 8) &* 16 &+ Int(packed & 0xf)
  }

  /// The vCPU that a PSCI call names; nil where there can be none. Bits that are no affinity must be zero
  /// (DEN0022, 5.1.4).
  @inline(__always) init?(mpidr: UInt64) {
    guard mpidr & ~0xff_00ff_ffff == 0, mpidr &>> 32 == 0 else { return nil }
    self.init(packed: UInt32(truncatingIfNeeded: mpidr))
  }

  /// Affinity 3 to affinity 0 in one word, as GICR_TYPER has them.
  @inline(__always) var packed: UInt32 {
    UInt32(truncatingIfNeeded: (index &>> 4) &<< 8 | (index & 0xf))
  }

  /// What the vCPU reads in MPIDR_EL1: bit 31 is always 1.
  @inline(__always) var mpidr: UInt64 { UInt64(packed) | 1 &<< 31 }
}
