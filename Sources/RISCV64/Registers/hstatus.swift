import Kernel

/// Hypervisor Status register (RISC-V privileged architecture, `hstatus`).
struct hstatus: RawRepresentable, Equatable, Sendable {
  var rawValue: UInt64

  static let gva = BitField(6, 6)  // `stval` holds a guest's virtual address
  static let spv = BitField(7, 7)  // the trap came from a guest; SRET goes to one
  static let spvp = BitField(8, 8)  // and from its S-mode: by whose rights HLV and HLVX read
  static let vtvm = BitField(20, 20)  // the guest's SFENCE.VMA and `satp` trap
  static let vtw = BitField(21, 21)  // the guest's WFI traps
  static let vtsr = BitField(22, 22)  // the guest's SRET traps
  static let vsxl = BitField(33, 32)  // width of VS-mode; 2: 64 bits

  @inline(__always) init(rawValue: UInt64) { self.rawValue = rawValue }

  /// A guest owns its page tables, its fences and its SRET; a vCPU that waits gives its hart away.
  static func guest(idlesNatively: Bool) -> Self {
    Self(rawValue: spv.mask | vsxl.placed(2) | (idlesNatively ? 0 : vtw.mask))
  }
}
