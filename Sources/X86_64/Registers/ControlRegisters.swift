/// CR0 (AMD APM 2, 3.1.1).
struct CR0: OptionSet {
  let rawValue: UInt64
  static let pe = Self(rawValue: 1 << 0)  // protected mode
  static let mp = Self(rawValue: 1 << 1)  // WAIT obeys TS
  static let et = Self(rawValue: 1 << 4)  // reads as one
  static let ne = Self(rawValue: 1 << 5)  // x87 errors raise #MF
  static let wp = Self(rawValue: 1 << 16)  // the supervisor obeys read-only pages
  static let nw = Self(rawValue: 1 << 29)
  static let cd = Self(rawValue: 1 << 30)  // caches off
  static let pg = Self(rawValue: 1 << 31)  // paging
}

/// CR4 (AMD APM 2, 3.1.3).
struct CR4: OptionSet {
  let rawValue: UInt64
  static let pse = Self(rawValue: 1 << 4)  // large pages without PAE
  static let pae = Self(rawValue: 1 << 5)  // entries of 64 bits
  static let pge = Self(rawValue: 1 << 7)  // global pages
  static let osfxsr = Self(rawValue: 1 << 9)  // FXSAVE with XMM registers
  static let osxmmexcpt = Self(rawValue: 1 << 10)  // SIMD errors raise #XF
  static let la57 = Self(rawValue: 1 << 12)  // five levels
}

/// RFLAGS (AMD APM 2, 3.1.6).
struct RFLAGS: OptionSet {
  let rawValue: UInt64
  static let reserved = Self(rawValue: 1 << 1)  // always one
  static let tf = Self(rawValue: 1 << 8)  // a trap behind each instruction
  static let `if` = Self(rawValue: 1 << 9)  // interrupts come through
  static let vm = Self(rawValue: 1 << 17)  // virtual-8086 mode
}
