import CRISCV64
import Kernel
import Virtualization

/// What a guest's own instruction asks of the hypervisor: guest page faults and virtual instructions.
extension RISCV64 {
  /// The vCPU is loaded and its trap has just come: hstatus, vsatp and vsstatus are the guest's.
  @inline(__always) static func decodeAccess(_ vcpu: Reference<VCPU<Self>>) -> VMExit<RISCV64Exit> {
    let cause = TrapCause(rawValue: read_scause())
    let value = read_stval()
    vcpu.value.state.trap.cause = cause
    vcpu.value.state.trap.value = value
    guard cause == .loadGuestPageFault || cause == .storeGuestPageFault else { return takeOther(cause, of: vcpu) }
    vcpu.value.statistics.mmio &+= 1
    // htval has no room for the lowest two bits; stval has them (RISC-V privileged architecture, `htval`).
    let address = GuestPhysicalAddress(read_htval() &<< 2 | value & 3)
    let accessFault: TrapCause = cause == .loadGuestPageFault ? .loadAccessFault : .storeAccessFault
    let instruction: DeviceAccess
    switch findInstruction(of: vcpu) {
    case .access(let access): instruction = access
    case .walk:
      // A hart may call the walk for a fetch a load.
      let isFetch = value &- vcpu.value.state.registers.programCounter < 4
      return injecting(isFetch ? .instructionAccessFault : accessFault, value: value, into: vcpu)
    case .other: return injecting(accessFault, value: value, into: vcpu)
    case .fault(let cause, let address): return injecting(cause, value: address, into: vcpu)
    }
    vcpu.value.state.trap.access = instruction
    let isStore = cause == .storeGuestPageFault
    guard instruction.isStore == isStore else { return injecting(accessFault, value: value, into: vcpu) }
    let direction: MMIOAccess.Direction =
      isStore ? .write(vcpu.value.state.registers[instruction.register] & instruction.width.mask) : .read
    return .mmio(MMIOAccess(address: address, width: instruction.width, direction: direction))
  }

  /// The instruction behind a guest page fault.
  private enum Finding {
    case access(DeviceAccess)
    /// None: the guest's page tables were read where no memory is.
    case walk
    /// An instruction that does not belong on a device.
    case other
    /// It cannot be fetched any more: the fault for the guest, and the address that it is about.
    case fault(TrapCause, UInt64)
  }

  /// By htinst, or where the hart leaves it zero from the guest's memory (RISC-V privileged architecture, "Transformed
  /// Instruction or Pseudoinstruction").
  @inline(__always) private static func findInstruction(of vcpu: Reference<VCPU<Self>>) -> Finding {
    let transformed = read_htinst()
    guard transformed != 0 else { return fetch(vcpu) }
    guard transformed & 1 != 0 else { return .walk }
    return DeviceAccess(transformed | 2, byteCount: transformed & 2 == 0 ? 2 : 4).map { .access($0) } ?? .other
  }

  @inline(never) private static func fetch(_ vcpu: Reference<VCPU<Self>>) -> Finding {
    switch fetchInstruction(of: vcpu) {
    case .fault(let cause, let address): return .fault(cause, address)
    case .bits(let bits):
      let access = bits & 3 == 3 ? DeviceAccess(bits) : DeviceAccess(compressed: bits)
      return access.map { .access($0) } ?? .other
    }
  }

  private enum FetchedInstruction {
    case bits(UInt64)
    case fault(TrapCause, UInt64)
  }

  /// The instruction at the guest's pc, as the guest would fetch it.
  private static func fetchInstruction(of vcpu: Reference<VCPU<Self>>) -> FetchedInstruction {
    let pc = vcpu.value.state.registers.programCounter
    let first = guest_fetch(pc)
    guard first.cause == .max else { return .fault(faultOfFetch(first.cause), pc) }
    guard first.bits & 3 == 3 else { return .bits(first.bits) }
    let second = guest_fetch(pc &+ 2)
    guard second.cause == .max else { return .fault(faultOfFetch(second.cause), pc &+ 2) }
    return .bits(second.bits << 16 | first.bits)
  }

  /// HLVX reports faults as a load does. What is the guest's own translation's is a page fault to it, all else a bus error.
  private static func faultOfFetch(_ cause: UInt64) -> TrapCause {
    TrapCause(rawValue: cause) == .loadPageFault ? .instructionPageFault : .instructionAccessFault
  }

  /// A fetch from where no RAM is, or an instruction that only a hypervisor can answer.
  @inline(never) private static func takeOther(
    _ cause: TrapCause, of vcpu: Reference<VCPU<Self>>
  ) -> VMExit<RISCV64Exit> {
    let value = vcpu.value.state.trap.value
    guard cause == .virtualInstruction else {
      vcpu.value.statistics.others &+= 1
      return injecting(.instructionAccessFault, value: value, into: vcpu)
    }
    var instruction = value
    // A hart may leave stval zero.
    if instruction == 0 {
      switch fetchInstruction(of: vcpu) {
      case .bits(let bits): instruction = bits
      case .fault(let cause, let address): return injecting(cause, value: address, into: vcpu)
      }
    }
    if instruction == waitForInterruptInstruction {
      vcpu.value.statistics.waits &+= 1
      vcpu.value.state.registers.programCounter &+= 4
      return .halt
    }
    // Whatever else is trapped is not there for the guest.
    vcpu.value.statistics.systemRegisters &+= 1
    return injecting(.illegalInstruction, value: value, into: vcpu)
  }

  private static let waitForInterruptInstruction: UInt64 = 0x1050_0073
}
