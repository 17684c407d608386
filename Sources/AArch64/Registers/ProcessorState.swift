import Kernel

/// Saved Program Status Register (Arm ARM DDI 0487, SPSR_EL2 and SPSR_EL1, exception from AArch64).
struct SPSR: RawRepresentable, Equatable, Sendable {
  var rawValue: UInt64

  static let m = BitField(3, 0)  // exception level and stack pointer; see `Mode`
  static let m4 = BitField(4, 4)  // AArch32
  static let f = BitField(6, 6)  // FIQ masked
  static let i = BitField(7, 7)  // IRQ masked
  static let a = BitField(8, 8)  // SError masked
  static let d = BitField(9, 9)  // debug exceptions masked
  static let btype = BitField(11, 10)  // branch type, for BTI
  static let ssbs = BitField(12, 12)  // speculative store bypass allowed
  static let allint = BitField(13, 13)  // all interrupts masked, NMIs too
  static let il = BitField(20, 20)  // illegal execution state
  static let ss = BitField(21, 21)  // software step
  static let pan = BitField(22, 22)  // privileged access never
  static let uao = BitField(23, 23)  // user access override
  static let dit = BitField(24, 24)  // data independent timing
  static let tco = BitField(25, 25)  // tag check override
  static let v = BitField(28, 28)
  static let c = BitField(29, 29)
  static let z = BitField(30, 30)
  static let n = BitField(31, 31)

  /// `M[3:0]`.
  enum Mode {
    static let el0t: UInt64 = 0b0000
    static let el1t: UInt64 = 0b0100
    static let el1h: UInt64 = 0b0101
    static let el2t: UInt64 = 0b1000
    static let el2h: UInt64 = 0b1001
  }

  @inline(__always) init(rawValue: UInt64) { self.rawValue = rawValue }

  /// How a vCPU begins (PSCI DEN0022, 6.4): EL1 with its own stack pointer, everything masked.
  static let atPowerOn = Self(
    rawValue: Mode.el1h | f.mask | i.mask | a.mask | d.mask)

  @inline(__always) var isAArch32: Bool { rawValue & Self.m4.mask != 0 }

  /// Whether the state was EL0, in either width.
  @inline(__always) var isUser: Bool { rawValue & (Self.m.mask) == 0 }

  /// The state behind an instruction that was executed in the guest's stead: SS and BTYPE are clear.
  @inline(__always) var afterInstruction: Self { Self(rawValue: rawValue & ~(Self.ss.mask | Self.btype.mask)) }

  @inline(__always) var areInterruptsMasked: Bool { rawValue & Self.i.mask != 0 }
}

/// System Control Register of EL1 (Arm ARM DDI 0487, SCTLR_EL1).
struct SCTLR_EL1: OptionSet, Sendable {
  let rawValue: UInt64

  static let m = Self(rawValue: 1 << 0)  // stage-1 translation on
  static let a = Self(rawValue: 1 << 1)  // alignment checked
  static let c = Self(rawValue: 1 << 2)  // data caches on
  static let sa = Self(rawValue: 1 << 3)  // stack alignment checked at EL1
  static let sa0 = Self(rawValue: 1 << 4)  // stack alignment checked at EL0
  static let cp15ben = Self(rawValue: 1 << 5)  // AArch32 EL0 barriers by coprocessor 15
  static let nAA = Self(rawValue: 1 << 6)  // some misaligned accesses allowed (FEAT_LSE2)
  static let itd = Self(rawValue: 1 << 7)  // AArch32 EL0 IT instructions restricted
  static let sed = Self(rawValue: 1 << 8)  // AArch32 EL0 SETEND undefined
  static let uma = Self(rawValue: 1 << 9)  // EL0 may change DAIF
  static let enrctx = Self(rawValue: 1 << 10)  // EL0 may use prediction restrictions
  static let eos = Self(rawValue: 1 << 11)  // exception return synchronises; 1 without FEAT_ExS
  static let i = Self(rawValue: 1 << 12)  // instruction cache on
  static let endb = Self(rawValue: 1 << 13)  // pointer authentication, data key B
  static let dze = Self(rawValue: 1 << 14)  // EL0 may use DC ZVA
  static let uct = Self(rawValue: 1 << 15)  // EL0 may read CTR_EL0
  static let ntwi = Self(rawValue: 1 << 16)  // EL0 WFI does not trap to EL1
  static let ntwe = Self(rawValue: 1 << 18)  // EL0 WFE does not trap to EL1
  static let wxn = Self(rawValue: 1 << 19)  // writable is never executable
  static let tscxt = Self(rawValue: 1 << 20)  // EL0 use of SCXTNUM_EL0 traps; 1 without FEAT_CSV2_2
  static let iesb = Self(rawValue: 1 << 21)  // error synchronisation on exception entry
  static let eis = Self(rawValue: 1 << 22)  // exception entry synchronises; 1 without FEAT_ExS
  static let span = Self(rawValue: 1 << 23)  // PAN is left alone on exception entry; 1 without FEAT_PAN
  static let e0e = Self(rawValue: 1 << 24)  // EL0 data is big-endian
  static let ee = Self(rawValue: 1 << 25)  // EL1 data is big-endian
  static let uci = Self(rawValue: 1 << 26)  // EL0 may use cache maintenance
  static let enda = Self(rawValue: 1 << 27)  // pointer authentication, data key A
  static let nTLSMD = Self(rawValue: 1 << 28)  // 1 without FEAT_LSMAOC
  static let lsmaoe = Self(rawValue: 1 << 29)  // 1 without FEAT_LSMAOC
  static let enib = Self(rawValue: 1 << 30)  // pointer authentication, instruction key B
  static let enia = Self(rawValue: 1 << 31)  // pointer authentication, instruction key A

  /// How a vCPU begins (PSCI DEN0022, 6.4): MMU and caches off, little-endian; bits that are always 1 in Armv8.0.
  static let atPowerOn: Self = [.lsmaoe, .nTLSMD, .span, .eis, .tscxt, .eos]
}
