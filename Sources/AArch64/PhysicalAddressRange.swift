import Kernel

/// How many bits a physical address has (Arm ARM DDI 0487, ID_AA64MMFR0_EL1.PARange; the same encoding serves as
/// VTCR_EL2.PS and TCR_EL2.PS).
struct PhysicalAddressRange: Equatable, Sendable {
  /// The value for the PS fields. Sizes above 48 bits need other descriptors, so they count as 48.
  let encoding: UInt64

  /// - Parameter features: The value of ID_AA64MMFR0_EL1; PARange is its bits 3 to 0. Nil for a reserved value.
  init?(features: UInt64) {
    let field = BitField(3, 0).value(in: features)
    guard field <= 7 else { return nil }
    encoding = min(field, 5)
  }

  var bitCount: UInt64 {
    switch encoding {
    case 0: 32
    case 1: 36
    case 2: 40
    case 3: 42
    case 4: 44
    default: 48
    }
  }
}
