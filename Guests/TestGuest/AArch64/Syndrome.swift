/// ESR_EL1 as far as the cases look at it (Arm ARM DDI 0487, D24.2.37).
struct Syndrome {
  let rawValue: UInt64

  enum ExceptionClass: UInt64 {
    case unknown = 0x00
    case floatingPoint = 0x07
    case illegalState = 0x0E
    case supervisorCall = 0x15
    case hypervisorCall = 0x16
    case secureMonitorCall = 0x17
    case systemRegister = 0x18
    case sve = 0x19
    case sme = 0x1D
    case instructionAbort = 0x21
    case programCounterAlignment = 0x22
    case dataAbort = 0x25
    case stackAlignment = 0x26
    case breakpointInstruction = 0x3C
    case other = 0xFF
  }

  var exceptionClass: ExceptionClass { ExceptionClass(rawValue: rawValue >> 26 & 0x3F) ?? .other }
  /// DFSC or IFSC of an abort.
  var rawFaultStatus: UInt64 { rawValue & 0x3F }
}
