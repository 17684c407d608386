/// How many levels of page table hardware walks (RISC-V privileged architecture, `satp` and `hgatp`).
///
/// The encoding is the same in both registers: `satp` names Sv39, Sv48 and Sv57 by it, `hgatp` Sv39x4, Sv48x4 and Sv57x4.
enum TranslationMode: UInt64, Sendable {
  case threeLevels = 8
  case fourLevels = 9
  case fiveLevels = 10

  /// Bits of a virtual address: Sv39, Sv48, Sv57.
  var virtualBitCount: UInt64 {
    switch self {
    case .threeLevels: 39
    case .fourLevels: 48
    case .fiveLevels: 57
    }
  }

  /// The level of the root's entries, counted from the leaves.
  var rootLevel: UInt64 { rawValue &- 6 }
}
