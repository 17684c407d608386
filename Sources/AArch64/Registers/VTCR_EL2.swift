import Kernel

/// Virtualization Translation Control Register (Arm ARM DDI 0487, VTCR_EL2).
struct VTCR_EL2: RawRepresentable, Equatable, Sendable {
  var rawValue: UInt64

  static let t0sz = BitField(5, 0)  // 64 minus the bits of a guest-physical address
  static let sl0 = BitField(7, 6)  // where the walk starts; with 4 KiB pages 0: level 2, 1: level 1, 2: level 0
  static let irgn0 = BitField(9, 8)  // inner cacheability of walks; 1: write-back
  static let orgn0 = BitField(11, 10)  // outer cacheability of walks; 1: write-back
  static let sh0 = BitField(13, 12)  // shareability of walks; 3: inner
  static let tg0 = BitField(15, 14)  // page size; 0: 4 KiB, 1: 64 KiB, 2: 16 KiB
  static let ps = BitField(18, 16)  // bits of an output address; as ID_AA64MMFR0_EL1.PARange
  static let vs = BitField(19, 19)  // 16-bit VMIDs
  static let ha = BitField(21, 21)  // hardware sets access flags
  static let hd = BitField(22, 22)  // hardware sets dirty state
  static let nsw = BitField(29, 29)  // walks are to the Non-secure space (Secure EL2 only)
  static let nsa = BitField(30, 30)  // output is to the Non-secure space (Secure EL2 only)
  static let res1 = BitField(31, 31)  // always 1
  static let ds = BitField(32, 32)  // 52-bit addresses with 4 and 16 KiB pages
  static let sl2 = BitField(33, 33)  // start at level -1, with `ds`
}

/// Stage-2 Translation Table Base Register (Arm ARM DDI 0487, VTTBR_EL2).
struct VTTBR_EL2: RawRepresentable, Equatable, Sendable {
  var rawValue: UInt64

  static let cnp = BitField(0, 0)  // common, not private
  static let baddr = BitField(47, 1)  // address of the first table
  static let vmid = BitField(63, 48)  // 8 bits unless VTCR_EL2.VS is set

  /// `table` is the first table's address, aligned to its size.
  @inline(__always) init(table: UInt64, vmid: UInt16) {
    rawValue = (table & Self.baddr.mask) | Self.vmid.placed(UInt64(vmid))
  }

  @inline(__always) init(rawValue: UInt64) { self.rawValue = rawValue }
}
