import Kernel

/// Hypervisor Control Register of the virtual CPU interface (Arm GIC IHI 0069, ICH_HCR_EL2).
struct ICH_HCR_EL2: OptionSet, Sendable {
  let rawValue: UInt64

  static let en = Self(rawValue: 1 << 0)  // virtual CPU interface on
  static let uie = Self(rawValue: 1 << 1)  // maintenance interrupt when no or one list register is in use
  static let lrenpie = Self(rawValue: 1 << 2)  // … when EOIcount is not 0
  static let npie = Self(rawValue: 1 << 3)  // … when no list register is pending
  static let vgrp0eie = Self(rawValue: 1 << 4)  // … when the guest has group 0 on
  static let vgrp0die = Self(rawValue: 1 << 5)  // … when the guest has group 0 off
  static let vgrp1eie = Self(rawValue: 1 << 6)  // … when the guest has group 1 on
  static let vgrp1die = Self(rawValue: 1 << 7)  // … when the guest has group 1 off
  static let tc = Self(rawValue: 1 << 10)  // registers common to both groups trap
  static let tall0 = Self(rawValue: 1 << 11)  // group 0 registers trap
  static let tall1 = Self(rawValue: 1 << 12)  // group 1 registers trap
  static let tsei = Self(rawValue: 1 << 13)  // local SErrors are taken to EL2
  static let tdir = Self(rawValue: 1 << 14)  // ICC_DIR_EL1 writes trap
  static let eoicount = BitField(31, 27)  // EOIs that met no list register
}

/// List Register (Arm GIC IHI 0069, ICH_LR<n>_EL2).
struct ICH_LR_EL2: RawRepresentable, Equatable, Sendable {
  var rawValue: UInt64

  static let vintid = BitField(31, 0)  // what the guest acknowledges
  static let pintid = BitField(44, 32)  // with HW: what the guest's deactivation ends in the physical controller
  static let eoi = BitField(41, 41)  // without HW: maintenance interrupt on the guest's EOI
  static let priority = BitField(55, 48)
  static let group = BitField(60, 60)  // 1: group 1
  static let hw = BitField(61, 61)  // linked to the physical interrupt `pintid`
  static let state = BitField(63, 62)  // see `State`

  static let pending: UInt64 = 1 << 62
  static let active: UInt64 = 1 << 63

  @inline(__always) init(rawValue: UInt64) { self.rawValue = rawValue }

  @inline(__always) var interrupt: Int { Int(rawValue & 0xffff_ffff) }
  @inline(__always) var isPending: Bool { rawValue & Self.pending != 0 }
  @inline(__always) var isActive: Bool { rawValue & Self.active != 0 }
  @inline(__always) var isInUse: Bool { rawValue & (Self.pending | Self.active) != 0 }
  @inline(__always) var isLinked: Bool { rawValue & Self.hw.mask != 0 }
}

/// Type Register of the virtual CPU interface (Arm GIC IHI 0069, ICH_VTR_EL2).
struct ICH_VTR_EL2: RawRepresentable, Equatable, Sendable {
  let rawValue: UInt64

  static let listRegs = BitField(4, 0)  // list registers, minus 1
  static let tds = BitField(19, 19)  // ICH_HCR_EL2.TDIR is there
  static let nV4 = BitField(20, 20)  // no direct injection
  static let a3v = BitField(21, 21)  // affinity 3 may be other than 0
  static let seis = BitField(22, 22)  // the virtual CPU interface makes SErrors
  static let idBits = BitField(25, 23)  // 0: 16 bits of interrupt number, 1: 24
  static let preBits = BitField(28, 26)  // bits of preemption priority, minus 1
  static let priBits = BitField(31, 29)  // bits of priority, minus 1

  @inline(__always) var listRegisterCount: Int { Int(Self.listRegs.value(in: rawValue)) &+ 1 }
  @inline(__always) var priorityBitCount: Int { Int(Self.priBits.value(in: rawValue)) &+ 1 }
  @inline(__always) var preemptionBitCount: Int { Int(Self.preBits.value(in: rawValue)) &+ 1 }

  /// How many of ICH_AP0R<n> and ICH_AP1R<n> there are: one for up to 5 preemption bits, two for 6, four for 7.
  @inline(__always) var activePriorityRegisterCount: Int { 1 &<< max(0, preemptionBitCount &- 5) }
}

/// Why there is a maintenance interrupt (Arm GIC IHI 0069, ICH_MISR_EL2).
struct ICH_MISR_EL2: OptionSet, Sendable {
  let rawValue: UInt64

  static let eoi = Self(rawValue: 1 << 0)  // a list register with `eoi` was ended
  static let u = Self(rawValue: 1 << 1)  // underflow: none or one in use
  static let lrenp = Self(rawValue: 1 << 2)  // an EOI met no list register
  static let np = Self(rawValue: 1 << 3)  // none pending
  static let vgrp0e = Self(rawValue: 1 << 4)
  static let vgrp0d = Self(rawValue: 1 << 5)
  static let vgrp1e = Self(rawValue: 1 << 6)
  static let vgrp1d = Self(rawValue: 1 << 7)
}

/// The guest's own view of its CPU interface (Arm GIC IHI 0069, ICH_VMCR_EL2).
struct ICH_VMCR_EL2: RawRepresentable, Equatable, Sendable {
  var rawValue: UInt64

  static let veng0 = BitField(0, 0)  // ICC_IGRPEN0_EL1.Enable
  static let veng1 = BitField(1, 1)  // ICC_IGRPEN1_EL1.Enable
  static let vfiqen = BitField(3, 3)  // group 0 is signalled as FIQ; always 1 with system registers
  static let vcbpr = BitField(4, 4)  // ICC_CTLR_EL1.CBPR
  static let veoim = BitField(9, 9)  // ICC_CTLR_EL1.EOImode
  static let vbpr1 = BitField(20, 18)  // ICC_BPR1_EL1
  static let vbpr0 = BitField(23, 21)  // ICC_BPR0_EL1
  static let vpmr = BitField(31, 24)  // ICC_PMR_EL1

  @inline(__always) init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// What ICC_SGI1R_EL1, ICC_ASGI1R_EL1 and ICC_SGI0R_EL1 take (Arm GIC IHI 0069, ICC_SGI1R_EL1).
struct ICC_SGI1R_EL1: RawRepresentable, Equatable, Sendable {
  let rawValue: UInt64

  static let targetList = BitField(15, 0)  // one bit for each affinity 0 in the range
  static let aff1 = BitField(23, 16)
  static let intid = BitField(27, 24)  // which SGI
  static let aff2 = BitField(39, 32)
  static let irm = BitField(40, 40)  // 1: all but the sender
  static let rs = BitField(47, 44)  // range selector: the list starts at affinity 0 16 × rs
  static let aff3 = BitField(55, 48)

  @inline(__always) init(rawValue: UInt64) { self.rawValue = rawValue }
}
