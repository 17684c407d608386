import CX86_64
import Kernel
import Virtualization

/// Exits that only this architecture has.
public enum X86Exit {
  /// A read or write of an I/O port.
  case port(PortAccess)
}

/// Into the guest and out of it.
extension X86_64 {
  public static func run(_ vcpu: Reference<VCPU<Self>>) -> VMExit<X86Exit> {
    if let exit = obeySignals(of: vcpu) { return exit }
    let cpu = currentCPU
    if cpu.value.local.loadedVCPU != vcpu { switchTo(vcpu, on: cpu) }
    updateTimer(of: vcpu)
    prepareEvents(of: vcpu)
    let vmcb = vcpu.value.state.registers.vmcb
    vmcb[VMCB.tlbControl] = cpu.value.local.asids.renew(&vcpu.value.state.asid).rawValue
    vmcb[VMCB.asid] = vcpu.value.state.asid.value
    vcpu.value.statistics.time.endHypervisor(at: counter)
    // SAFETY: the vCPU is loaded, its frame and VMCB are its own, and interrupts are masked until the guest runs.
    unsafe x86_enter_guest(vcpu.value.state.registers.frame)
    vcpu.value.statistics.time.endGuest(at: counter)
    vmcb[VMCB.eventInjection] = 0
    vcpu.value.state.interrupted = Event(rawValue: vmcb[VMCB.exitInterruptInfo])
    takeTaskPriority(of: vcpu)
    return decode(vcpu, vmcb)
  }

  static func fault(of vcpu: Reference<VCPU<Self>>, kind: GuestFault.Kind) -> GuestFault {
    let vmcb = vcpu.value.state.registers.vmcb
    return GuestFault(
      kind: kind, programCounter: vmcb[VMCB.rip], address: vmcb[VMCB.exitInfo2], syndrome: vmcb[VMCB.exitCode])
  }

  /// What an exit asks for. Small things are done here.
  private static func decode(_ vcpu: Reference<VCPU<Self>>, _ vmcb: VMCB) -> VMExit<X86Exit> {
    let code = vmcb[VMCB.exitCode]
    switch code {
    case ExitCode.intr, ExitCode.ioio, ExitCode.nestedPageFault, ExitCode.msr, ExitCode.hlt, ExitCode.cpuid,
      ExitCode.vmmcall:
      return decodeFrequent(code, vcpu, vmcb)
    default:
      vcpu.value.statistics.others &+= 1
      return decodeRare(code, vcpu, vmcb)
    }
  }

  private static func decodeFrequent(
    _ code: UInt64, _ vcpu: Reference<VCPU<Self>>, _ vmcb: VMCB
  ) -> VMExit<X86Exit> {
    switch code {
    case ExitCode.intr:
      vcpu.value.statistics.interrupts &+= 1
      return .interrupt
    case ExitCode.ioio: return takePort(vcpu, vmcb)
    case ExitCode.nestedPageFault: return takeNestedPageFault(vcpu, vmcb)
    case ExitCode.msr: return takeMSR(vcpu, vmcb)
    case ExitCode.hlt:
      vcpu.value.statistics.waits &+= 1
      return skipping(vcpu, 1, then: .halt)
    case ExitCode.cpuid: return takeCPUID(vcpu)
    default: return callHypervisor(vcpu)
    }
  }

  private static func decodeRare(_ code: UInt64, _ vcpu: Reference<VCPU<Self>>, _ vmcb: VMCB) -> VMExit<X86Exit> {
    switch code {
    case ExitCode.vintr: return .handled  // what waits is taken at the next entry
    case ExitCode.iret:
      vmcb[VMCB.interceptsA] &= ~InterceptsA.iret.rawValue
      vcpu.value.state.endOfNMI = vmcb[VMCB.rip]
      return .handled
    case ExitCode.invd, ExitCode.wbinvd: return skipping(vcpu, 2, then: .handled)  // its memory is coherent without
    case ExitCode.debugException: return injecting(.debug, into: vcpu)
    case ExitCode.alignmentCheckException: return injecting(.alignmentCheck, into: vcpu)
    case ExitCode.machineCheckException: return .fault(fault(of: vcpu, kind: .systemError))
    case ExitCode.nmi: return .handled  // taken by the hypervisor's own handler at STGI
    case ExitCode.shutdown: return .fault(fault(of: vcpu, kind: .shutdown))
    case ExitCode.rdpmc, ExitCode.xsetbv: return injecting(.generalProtection, into: vcpu)
    default:
      if UInt32(truncatingIfNeeded: code) == ExitCode.invalid { return .fault(fault(of: vcpu, kind: .entryFailed)) }
      // Whatever else is intercepted is not there for the guest.
      return injecting(.undefined, into: vcpu)
    }
  }

  private static func takeCPUID(_ vcpu: Reference<VCPU<Self>>) -> VMExit<X86Exit> {
    let registers = vcpu.value.state.registers
    vcpu.value.statistics.systemRegisters &+= 1
    let leaf = UInt32(truncatingIfNeeded: registers[0])
    let subleaf = UInt32(truncatingIfNeeded: registers[GuestRegisters.rcx])
    let identity = GuestCPUID(
      apicIdentifier: vcpu.value.state.apic.identifier,
      vcpuCount: UInt32(truncatingIfNeeded: vcpu.value.vm.value.vcpus.count), counterHz: counterFrequencyHz)
    let answer = identity.answer(leaf: leaf, subleaf: subleaf, machine: x86_cpuid(leaf, subleaf))
    registers[0] = UInt64(answer.eax)
    registers[GuestRegisters.rbx] = UInt64(answer.ebx)
    registers[GuestRegisters.rcx] = UInt64(answer.ecx)
    registers[GuestRegisters.rdx] = UInt64(answer.edx)
    return skipping(vcpu, 2, then: .handled)
  }

  /// EXITINFO1 is 0 for RDMSR, 1 for WRMSR (AMD APM 2, 15.11).
  private static func takeMSR(_ vcpu: Reference<VCPU<Self>>, _ vmcb: VMCB) -> VMExit<X86Exit> {
    let registers = vcpu.value.state.registers
    vcpu.value.statistics.systemRegisters &+= 1
    let number = UInt32(truncatingIfNeeded: registers[GuestRegisters.rcx])
    if vmcb[VMCB.exitInfo1] & 1 == 0 {
      guard let value = readMSR(number, of: vcpu) else { return injecting(.generalProtection, into: vcpu) }
      registers.edxEAX = value
    } else {
      guard writeMSR(number, registers.edxEAX, of: vcpu) != nil else {
        return injecting(.generalProtection, into: vcpu)
      }
    }
    return skipping(vcpu, 2, then: .handled)
  }

  // MARK: - Going past an instruction

  private static func skipping(
    _ vcpu: Reference<VCPU<Self>>, _ opcodeByteCount: Int, then exit: VMExit<X86Exit>
  ) -> VMExit<X86Exit> {
    skip(vcpu, opcodeByteCount: opcodeByteCount) ? exit : .fault(fault(of: vcpu, kind: .undecodable))
  }

  /// Goes past the instruction that has exited: prefixes and an opcode of so many bytes. False where its bytes cannot be read.
  static func skip(_ vcpu: Reference<VCPU<Self>>, opcodeByteCount: Int) -> Bool {
    let vmcb = vcpu.value.state.registers.vmcb
    if currentCPU.value.local.machine.value.identity.hasNextRIP {
      goOn(vcpu, at: vmcb[VMCB.nextRIP])
      return true
    }
    let bytes = instruction(of: vcpu)
    guard let prefixes = InstructionPrefixes(bytes, codeWidth(vmcb)) else { return false }
    advance(vcpu, by: prefixes.byteCount &+ opcodeByteCount)
    return true
  }

  static func advance(_ vcpu: Reference<VCPU<Self>>, by byteCount: Int) {
    let vmcb = vcpu.value.state.registers.vmcb
    let next = vmcb[VMCB.rip] &+ UInt64(byteCount)
    goOn(vcpu, at: codeWidth(vmcb) == .bits64 ? next : next & 0xffff_ffff)
  }

  /// The instruction is done: interrupts are no longer held back, and a single step is over.
  static func goOn(_ vcpu: Reference<VCPU<Self>>, at address: UInt64) {
    let vmcb = vcpu.value.state.registers.vmcb
    vmcb[VMCB.rip] = address
    vmcb[VMCB.interruptShadow] = 0
    guard vmcb[VMCB.rflags] & RFLAGS.tf.rawValue != 0 else { return }
    vmcb[VMCB.dr6] |= 1 << 14  // BS
    vmcb[VMCB.eventInjection] = InjectedException.debug.event.rawValue
  }

  static func codeWidth(_ vmcb: VMCB) -> CodeWidth { CodeWidth(vmcb[.cs], efer: vmcb[VMCB.efer]) }

  /// The bytes at the guest's program counter; fewer, or none, where they cannot be read.
  static func instruction(of vcpu: Reference<VCPU<Self>>) -> InstructionBytes {
    let vmcb = vcpu.value.state.registers.vmcb
    let paging = GuestPaging(
      cr0: vmcb[VMCB.cr0], cr3: vmcb[VMCB.cr3], cr4: vmcb[VMCB.cr4], efer: vmcb[VMCB.efer])
    let linear =
      codeWidth(vmcb) == .bits64 ? vmcb[VMCB.rip] : (vmcb[.cs].base &+ vmcb[VMCB.rip]) & 0xffff_ffff
    return InstructionBytes(at: linear, paging: paging, in: vcpu.value.vm.value.memory)
  }
}

// MARK: - Memory that is not there

extension X86_64 {
  /// EXITINFO1 (AMD APM 2, 15.25.6).
  private enum NestedFault {
    static let write: UInt64 = 1 << 1
    static let fetch: UInt64 = 1 << 4
    static let tables: UInt64 = 1 << 33
  }

  private static func takeNestedPageFault(_ vcpu: Reference<VCPU<Self>>, _ vmcb: VMCB) -> VMExit<X86Exit> {
    let info = vmcb[VMCB.exitInfo1]
    vcpu.value.statistics.mmio &+= 1
    // What is read from nowhere is all ones, and that is no instruction.
    if info & NestedFault.fetch != 0 { return injecting(.undefined, into: vcpu) }
    guard info & NestedFault.tables == 0,
      let access = MemoryInstruction(instruction(of: vcpu), codeWidth(vmcb))
    else { return injecting(.generalProtection, into: vcpu) }
    vcpu.value.state.access = access
    let direction: MMIOAccess.Direction =
      switch access.operation {
      case .load: .read
      case .store(let register): .write(register.value(in: vcpu.value.state.registers, access.width))
      case .storeImmediate(let value): .write(value)
      }
    return .mmio(
      MMIOAccess(address: GuestPhysicalAddress(vmcb[VMCB.exitInfo2]), width: access.width, direction: direction))
  }

  public static func complete(_ access: MMIOAccess, of vcpu: Reference<VCPU<Self>>, value: UInt64) {
    guard let instruction = vcpu.value.state.access else { return }
    vcpu.value.state.access = nil
    if case .load(let register, let width, let isSigned) = instruction.operation {
      let registers = vcpu.value.state.registers
      let narrow = value & instruction.width.mask
      let loaded = isSigned ? instruction.width.signExtended(narrow) : narrow
      registers[register.number] = MemoryInstruction.Register.merged(
        registers[register.number], loaded, width, isHighByte: register.isHighByte)
    }
    advance(vcpu, by: instruction.byteCount)
  }

  /// As on a PC: what is read from nowhere is all ones, what is written there is lost.
  public static func refuse(_ access: MMIOAccess, of vcpu: Reference<VCPU<Self>>) -> GuestFault? {
    complete(access, of: vcpu, value: .max)
    return nil
  }
}
