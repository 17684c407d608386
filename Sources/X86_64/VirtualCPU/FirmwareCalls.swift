import Kernel
import Virtualization

extension X86_64 {
  /// A VMMCALL: Apus's own functions. Only for the guest's kernel, as elsewhere.
  static func callHypervisor(_ vcpu: Reference<VCPU<Self>>) -> VMExit<X86Exit> {
    let registers = vcpu.value.state.registers
    vcpu.value.statistics.hypercalls &+= 1
    guard registers.vmcb[VMCB.cpl] == 0 else { return injecting(.undefined, into: vcpu) }
    guard skip(vcpu, opcodeByteCount: 3) else { return .fault(fault(of: vcpu, kind: .undecodable)) }
    switch HypervisorCall(registers[0], registers[GuestRegisters.rbx], registers[GuestRegisters.rcx]) {
    case .identify:
      let words = HypervisorCall.identity
      registers[0] = UInt64(words.0)
      registers[GuestRegisters.rbx] = UInt64(words.1)
      registers[GuestRegisters.rcx] = UInt64(words.2)
      registers[GuestRegisters.rdx] = UInt64(words.3)
    case .version: registers[0] = HypervisorCall.apusVersion
    case .features: registers[0] = HypervisorCall.apusFeatures
    case .write(let address, let byteCount):
      return .hypercall(.writeLog(GuestPhysicalAddress(address), byteCount: byteCount))
    case .yield:
      registers[0] = 0
      return .yield
    case .stop(let code): return .hypercall(.stop(code: code))
    case .unknown: registers[0] = HypervisorCall.notSupported
    }
    return .handled
  }

  public static func answer(_ result: CallResult, to vcpu: Reference<VCPU<Self>>) {
    // A start by SIPI has no answer: nobody waits for one.
    if vcpu.value.state.isStarting {
      vcpu.value.state.isStarting = false
      return
    }
    vcpu.value.state.registers[0] =
      switch result {
      case .success: 0
      case .notSupported: HypervisorCall.notSupported
      case .invalidParameters: HypervisorCall.invalidParameters
      case .denied: HypervisorCall.denied
      case .alreadyOn: HypervisorCall.alreadyOn
      case .onPending: HypervisorCall.onPending
      case .invalidAddress: HypervisorCall.invalidAddress
      }
  }
}
