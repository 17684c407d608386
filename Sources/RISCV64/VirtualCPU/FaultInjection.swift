import CRISCV64
import Kernel
import Virtualization

/// Exceptions that the hypervisor gives to the guest, as the hardware would (RISC-V privileged architecture, "Trap Entry").
/// The vCPU is loaded, so its supervisor registers are in the hardware.
extension RISCV64 {
  /// - Returns: the fault that ends the VM, where the guest takes this one again and again.
  static func inject(_ cause: TrapCause, value: UInt64, into vcpu: Reference<VCPU<Self>>) -> GuestFault? {
    let registers = vcpu.value.state.registers
    let pc = registers.programCounter
    if vcpu.value.state.progress.isStuck(
      programCounter: pc, returnAddress: read_vsepc(), isUser: !registers.status.isFromSupervisor)
    {
      return fault(of: vcpu, kind: .repeatedFault)
    }
    write_vscause(cause.rawValue)
    write_vstval(value)
    write_vsepc(pc)
    write_vsstatus(atException(sstatus(rawValue: read_vsstatus()), from: registers.status).rawValue)
    // Exceptions go to the base, whatever the mode in the lowest bits.
    registers.programCounter = read_vstvec() & ~3
    registers.status = sstatus(rawValue: registers.status.rawValue | sstatus.spp.mask)
    return nil
  }

  /// The guest's own status at the first instruction of its handler.
  static func atException(_ guest: sstatus, from interrupted: sstatus) -> sstatus {
    var bits = sstatus.spie.replaced(in: guest.rawValue, by: sstatus.sie.value(in: guest.rawValue))
    bits = sstatus.spp.replaced(in: bits, by: sstatus.spp.value(in: interrupted.rawValue))
    return sstatus(rawValue: bits & ~sstatus.sie.mask)
  }

  static func injecting(
    _ cause: TrapCause, value: UInt64, into vcpu: Reference<VCPU<Self>>
  ) -> VMExit<RISCV64Exit> {
    if let fault = inject(cause, value: value, into: vcpu) { return .fault(fault) }
    return .handled
  }

  static func fault(of vcpu: Reference<VCPU<Self>>, kind: GuestFault.Kind) -> GuestFault {
    GuestFault(
      kind: kind, programCounter: vcpu.value.state.registers.programCounter, address: vcpu.value.state.trap.value,
      syndrome: vcpu.value.state.trap.cause.rawValue)
  }
}
