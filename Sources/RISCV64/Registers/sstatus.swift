import Kernel

/// Supervisor Status register (RISC-V privileged architecture, `sstatus`). `vsstatus` is the same for a guest's own traps.
struct sstatus: RawRepresentable, Equatable, Sendable {
  var rawValue: UInt64

  static let sie = BitField(1, 1)  // interrupts are taken
  static let spie = BitField(5, 5)  // `sie` before the trap
  static let spp = BitField(8, 8)  // the trap came from S-mode; with V set, from VS-mode
  static let vs = BitField(10, 9)  // vector state; 0: off
  static let fs = BitField(14, 13)  // floating-point state; see `FloatingPointUse`
  static let sum = BitField(18, 18)  // S-mode may use U-mode's pages
  static let mxr = BitField(19, 19)  // what can be executed can be read
  static let uxl = BitField(33, 32)  // width of U-mode; 2: 64 bits

  /// Values of FS.
  enum FloatingPointUse {
    static let off: UInt64 = 0
    static let initial: UInt64 = 1
    static let clean: UInt64 = 2
    static let dirty: UInt64 = 3
  }

  @inline(__always) init(rawValue: UInt64) { self.rawValue = rawValue }

  @inline(__always) var isFloatingPointDirty: Bool { rawValue & Self.fs.mask == Self.fs.mask }
  mutating func markFloatingPointClean() {
    rawValue = Self.fs.replaced(in: rawValue, by: FloatingPointUse.clean)
  }
  /// Whether the trap came from the guest's S-mode, not from its U-mode.
  @inline(__always) var isFromSupervisor: Bool { rawValue & Self.spp.mask != 0 }

  /// How a guest begins: in VS-mode, floating point clean so that its first use shows, no vectors.
  static let guestAtPowerOn = Self(
    rawValue: spp.placed(1) | fs.placed(FloatingPointUse.clean) | uxl.placed(2))
}
