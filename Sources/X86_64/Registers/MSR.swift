/// Numbers of model-specific registers, and fields of those the hypervisor sets (AMD APM 2, appendix A).
enum MSR {
  static let tsc: UInt32 = 0x10
  static let apicBase: UInt32 = 0x1b
  static let mtrrCap: UInt32 = 0xfe
  static let sysenterCS: UInt32 = 0x174
  static let sysenterESP: UInt32 = 0x175
  static let sysenterEIP: UInt32 = 0x176
  static let pat: UInt32 = 0x277
  static let mtrrDefaultType: UInt32 = 0x2ff
  static let tscDeadline: UInt32 = 0x6e0
  static let x2apicFirst: UInt32 = 0x800
  static let x2apicLast: UInt32 = 0x8ff
  static let efer: UInt32 = 0xc000_0080
  static let star: UInt32 = 0xc000_0081
  static let lstar: UInt32 = 0xc000_0082
  static let cstar: UInt32 = 0xc000_0083
  static let sfmask: UInt32 = 0xc000_0084
  static let fsBase: UInt32 = 0xc000_0100
  static let gsBase: UInt32 = 0xc000_0101
  static let kernelGSBase: UInt32 = 0xc000_0102
  static let tscAux: UInt32 = 0xc000_0103
  static let vmCR: UInt32 = 0xc001_0114
  static let vmHSavePA: UInt32 = 0xc001_0117

  static let vmCRDisabled: UInt64 = 1 << 4  // SVMDIS: EFER.SVME cannot be set
  static let eferSCE: UInt64 = 1 << 0  // SYSCALL and SYSRET
  static let eferLME: UInt64 = 1 << 8  // long mode is wanted
  static let eferLMA: UInt64 = 1 << 10  // long mode is on
  static let eferNXE: UInt64 = 1 << 11  // pages may forbid execution
  static let eferSVME: UInt64 = 1 << 12  // SVM's instructions are there
  static let apicBaseBootCPU: UInt64 = 1 << 8
  static let apicBaseX2APIC: UInt64 = 1 << 10
  static let apicBaseEnable: UInt64 = 1 << 11
  static let apicBaseAddress: UInt64 = 0xf_ffff_f000
}
