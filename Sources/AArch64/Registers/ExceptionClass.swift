/// Why an exception was taken: `EC`, bits [31:26] of `ESR_ELx` (Arm ARM DDI 0487, ESR_EL2).
struct ExceptionClass: RawRepresentable, Equatable, Sendable {
  let rawValue: UInt8

  static let unknown = Self(rawValue: 0x00)  // unknown reason, an UNDEFINED instruction among them
  static let wfx = Self(rawValue: 0x01)  // WFI, WFE, WFIT, WFET
  static let cp15Access32 = Self(rawValue: 0x03)  // AArch32 MCR, MRC, coprocessor 15
  static let cp15Access64 = Self(rawValue: 0x04)  // AArch32 MCRR, MRRC, coprocessor 15
  static let cp14Access32 = Self(rawValue: 0x05)  // AArch32 MCR, MRC, coprocessor 14
  static let cp14LoadStore = Self(rawValue: 0x06)  // AArch32 LDC, STC
  static let floatingPoint = Self(rawValue: 0x07)  // SVE, SIMD or FP use that CPACR_EL1 or CPTR_EL2 traps
  static let pointerAuthentication = Self(rawValue: 0x09)  // PAC instruction trapped by HCR_EL2.API
  static let loadStore64 = Self(rawValue: 0x0a)  // LD64B, ST64B and their like
  static let cp14Access64 = Self(rawValue: 0x0c)  // AArch32 MRRC, coprocessor 14
  static let branchTarget = Self(rawValue: 0x0d)  // BTI
  static let illegalState = Self(rawValue: 0x0e)  // PSTATE.IL was set
  static let svc32 = Self(rawValue: 0x11)
  static let hvc32 = Self(rawValue: 0x12)
  static let smc32 = Self(rawValue: 0x13)
  static let svc64 = Self(rawValue: 0x15)
  static let hvc64 = Self(rawValue: 0x16)
  static let smc64 = Self(rawValue: 0x17)
  static let systemInstruction = Self(rawValue: 0x18)  // MSR, MRS, SYS, SYSL
  static let sve = Self(rawValue: 0x19)  // SVE use that CPTR_EL2.TZ traps
  static let eret = Self(rawValue: 0x1a)
  static let pointerAuthenticationFailure = Self(rawValue: 0x1c)
  static let sme = Self(rawValue: 0x1d)
  static let instructionAbortLower = Self(rawValue: 0x20)  // from a lower exception level
  static let instructionAbortSame = Self(rawValue: 0x21)  // from this exception level
  static let pcAlignment = Self(rawValue: 0x22)
  static let dataAbortLower = Self(rawValue: 0x24)  // from a lower exception level
  static let dataAbortSame = Self(rawValue: 0x25)  // from this exception level
  static let spAlignment = Self(rawValue: 0x26)
  static let memoryOperation = Self(rawValue: 0x27)  // MOPS
  static let floatingPointException32 = Self(rawValue: 0x28)
  static let floatingPointException64 = Self(rawValue: 0x2c)
  static let serror = Self(rawValue: 0x2f)
  static let breakpointLower = Self(rawValue: 0x30)
  static let breakpointSame = Self(rawValue: 0x31)
  static let softwareStepLower = Self(rawValue: 0x32)
  static let softwareStepSame = Self(rawValue: 0x33)
  static let watchpointLower = Self(rawValue: 0x34)
  static let watchpointSame = Self(rawValue: 0x35)
  static let bkpt32 = Self(rawValue: 0x38)
  static let vectorCatch32 = Self(rawValue: 0x3a)
  static let brk64 = Self(rawValue: 0x3c)

  /// Whether FAR_EL2 and HPFAR_EL2 are about it, where it comes from a guest: an abort.
  @inline(__always) var hasFaultAddress: Bool { self == .dataAbortLower || self == .instructionAbortLower }

  /// The words for a panic or for the reason a VM stopped.
  var summary: StaticString {
    switch self {
    case .unknown: "an undefined instruction"
    case .wfx: "WFI or WFE"
    case .cp15Access32, .cp15Access64: "a 32-bit system register access"
    case .cp14Access32, .cp14LoadStore, .cp14Access64: "a 32-bit debug register access"
    case .floatingPoint: "use of floating point or SIMD"
    case .pointerAuthentication: "use of pointer authentication"
    case .loadStore64: "a 64-byte load or store"
    case .branchTarget: "a branch target check"
    case .illegalState: "an illegal execution state"
    case .svc32, .svc64: "SVC"
    case .hvc32, .hvc64: "HVC"
    case .smc32, .smc64: "SMC"
    case .systemInstruction: "a system register access"
    case .sve: "use of SVE"
    case .eret: "ERET"
    case .pointerAuthenticationFailure: "a pointer authentication failure"
    case .sme: "use of SME"
    case .instructionAbortLower: "an instruction abort from a lower level"
    case .instructionAbortSame: "an instruction abort"
    case .pcAlignment: "a misaligned program counter"
    case .dataAbortLower: "a data abort from a lower level"
    case .dataAbortSame: "a data abort"
    case .spAlignment: "a misaligned stack pointer"
    case .memoryOperation: "a memory copy or set instruction"
    case .floatingPointException32, .floatingPointException64: "a floating-point exception"
    case .serror: "SError"
    case .breakpointLower, .breakpointSame: "a hardware breakpoint"
    case .softwareStepLower, .softwareStepSame: "a software step"
    case .watchpointLower, .watchpointSame: "a watchpoint"
    case .bkpt32, .brk64: "a breakpoint instruction"
    case .vectorCatch32: "a 32-bit vector catch"
    default: "a reserved exception class"
    }
  }
}
