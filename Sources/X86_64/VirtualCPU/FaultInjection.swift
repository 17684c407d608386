import Kernel
import Virtualization

/// Exceptions that the hypervisor gives to the guest, by the VMCB's event injection (AMD APM 2, 15.20).
extension X86_64 {
  enum InjectedException {
    case debug
    case undefined
    case generalProtection
    case alignmentCheck

    var event: Event {
      switch self {
      case .debug: Event(.exception, vector: 1)
      case .undefined: Event(.exception, vector: 6)
      case .generalProtection: Event(.exception, vector: 13, error: 0)
      case .alignmentCheck: Event(.exception, vector: 17, error: 0)
      }
    }
  }

  /// A guest that raises the same again and again is its own affair: a time slice ends it, and a third fault in a row is
  /// an exit of its own.
  static func injecting(_ exception: InjectedException, into vcpu: Reference<VCPU<Self>>) -> VMExit<X86Exit> {
    vcpu.value.state.registers.vmcb[VMCB.eventInjection] = exception.event.rawValue
    return .handled
  }
}
