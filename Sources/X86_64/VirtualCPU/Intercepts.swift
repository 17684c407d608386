import Kernel

/// What makes a guest exit, by the VMCB's two words of intercepts, each with its reason (AMD APM 2, table B-1).
struct InterceptsA: OptionSet {
  let rawValue: UInt32
  static let intr = Self(rawValue: 1 << 0)
  static let nmi = Self(rawValue: 1 << 1)
  static let vintr = Self(rawValue: 1 << 4)
  static let rdpmc = Self(rawValue: 1 << 15)
  static let cpuid = Self(rawValue: 1 << 18)
  static let rsm = Self(rawValue: 1 << 19)
  static let iret = Self(rawValue: 1 << 20)
  static let invd = Self(rawValue: 1 << 22)
  static let hlt = Self(rawValue: 1 << 24)
  static let invlpga = Self(rawValue: 1 << 26)
  static let ioio = Self(rawValue: 1 << 27)
  static let msr = Self(rawValue: 1 << 28)
  static let ferrFreeze = Self(rawValue: 1 << 30)
  static let shutdown = Self(rawValue: 1 << 31)

  static func guest(idlesNatively: Bool) -> Self {
    var set: Self = [
      .intr, .nmi,  // the machine's interrupts are the hypervisor's
      .rdpmc,  // the counters are not the guest's
      .cpuid,  // tells what the guest has, not what the machine has
      .rsm,  // there is no system-management mode
      .invd,  // would drop other VMs' lines
      .invlpga,  // acts on any address space
      .ioio, .msr,  // by the permission maps
      .ferrFreeze,  // would stop the CPU
      .shutdown,  // else the machine would be reset
    ]
    if !idlesNatively { set.insert(.hlt) }  // a waiting vCPU gives its CPU away
    return set
  }
}

struct InterceptsB: OptionSet {
  let rawValue: UInt32
  static let vmrun = Self(rawValue: 1 << 0)
  static let vmmcall = Self(rawValue: 1 << 1)
  static let vmload = Self(rawValue: 1 << 2)
  static let vmsave = Self(rawValue: 1 << 3)
  static let stgi = Self(rawValue: 1 << 4)
  static let clgi = Self(rawValue: 1 << 5)
  static let skinit = Self(rawValue: 1 << 6)
  static let wbinvd = Self(rawValue: 1 << 9)
  static let monitor = Self(rawValue: 1 << 10)
  static let mwait = Self(rawValue: 1 << 11)
  static let xsetbv = Self(rawValue: 1 << 13)
  static let rdpru = Self(rawValue: 1 << 14)

  static let guest: Self = [
    .vmrun,  // VMRUN itself demands it
    .vmmcall,  // Apus's own calls
    .vmload, .vmsave, .stgi, .clgi, .skinit,  // would act on the machine; guests have no SVM
    .wbinvd,  // would empty other VMs' caches, and the guest's memory is coherent without
    .monitor, .mwait,  // would wait without giving the CPU away
    .xsetbv,  // the guest has no XSAVE: what it could save is more than what is switched
    .rdpru,  // the counters are not the guest's
  ]
}

/// Exceptions that make a guest exit.
enum InterceptedException {
  /// #DB and #AC: a guest whose handler raises the same again would never leave the processor's microcode, which no interrupt
  /// interrupts. They are given to the guest afterwards.
  static let debug: UInt8 = 1
  static let alignmentCheck: UInt8 = 17
  /// #MC: the machine's, not the guest's.
  static let machineCheck: UInt8 = 18

  static let mask: UInt32 = 1 << UInt32(debug) | 1 << UInt32(alignmentCheck) | 1 << UInt32(machineCheck)
}

/// The exit codes that are handled (AMD APM 2, appendix C).
enum ExitCode {
  static let debugException: UInt64 = 0x41
  static let alignmentCheckException: UInt64 = 0x51
  static let machineCheckException: UInt64 = 0x52
  static let intr: UInt64 = 0x60
  static let nmi: UInt64 = 0x61
  static let vintr: UInt64 = 0x64
  static let rdpmc: UInt64 = 0x6f
  static let cpuid: UInt64 = 0x72
  static let iret: UInt64 = 0x74
  static let invd: UInt64 = 0x76
  static let hlt: UInt64 = 0x78
  static let ioio: UInt64 = 0x7b
  static let msr: UInt64 = 0x7c
  static let shutdown: UInt64 = 0x7f
  static let vmmcall: UInt64 = 0x81
  static let wbinvd: UInt64 = 0x89
  static let xsetbv: UInt64 = 0x8d
  static let nestedPageFault: UInt64 = 0x400
  /// VMEXIT_INVALID. Some emulators give only the low 32 bits.
  static let invalid: UInt32 = .max
}
