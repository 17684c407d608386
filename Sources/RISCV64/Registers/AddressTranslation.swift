import Kernel

/// Supervisor Address Translation and Protection register (RISC-V privileged architecture, `satp`). `vsatp` is the same
/// for a guest's own translation.
struct satp: RawRepresentable, Equatable, Sendable {
  var rawValue: UInt64

  static let mode = BitField(63, 60)  // 0: off; else a `TranslationMode`
  static let asid = BitField(59, 44)
  static let ppn = BitField(43, 0)  // the root's address without its low 12 bits

  @inline(__always) init(rawValue: UInt64) { self.rawValue = rawValue }

  /// - Parameter root: The address of the root, aligned to 4 KiB.
  @inline(__always) init(_ mode: TranslationMode, root: UInt64) {
    rawValue = Self.mode.placed(mode.rawValue) | Self.ppn.placed(root &>> 12)
  }
}

/// Hypervisor Guest Address Translation and Protection register (RISC-V privileged architecture, `hgatp`).
struct hgatp: RawRepresentable, Equatable, Sendable {
  var rawValue: UInt64

  static let mode = BitField(63, 60)  // 0: off; else a `TranslationMode`, with two bits more
  static let vmid = BitField(57, 44)  // as many bits as hold what is written
  static let ppn = BitField(43, 0)  // the root's address without its low 12 bits; its lowest two bits are zero

  @inline(__always) init(rawValue: UInt64) { self.rawValue = rawValue }

  /// - Parameter root: The address of the root, aligned to 16 KiB.
  @inline(__always) init(_ mode: TranslationMode, root: UInt64, vmid: UInt64) {
    rawValue = Self.mode.placed(mode.rawValue) | Self.vmid.placed(vmid) | Self.ppn.placed(root &>> 12)
  }
}
