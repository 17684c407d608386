import CAArch64
import Kernel
import Virtualization

/// Into the guest and out of it.
extension AArch64 {
  public static func run(_ vcpu: Reference<VCPU<Self>>) -> VMExit<AArch64Exit> {
    let cpu = currentCPU
    if cpu.value.local.loadedVCPU != vcpu { switchTo(vcpu, on: cpu) }
    updatePhysicalTimer(of: vcpu)
    enterInterrupts(of: vcpu)
    vcpu.value.statistics.time.endHypervisor(at: counter)
    // SAFETY: the vCPU is loaded, its frame is its own, and interrupts are masked until the guest runs.
    unsafe vcpu_enter(vcpu.value.state.registers.frame)
    return vcpu.value.state.exit
  }

  static func fault(of vcpu: Reference<VCPU<Self>>, kind: GuestFault.Kind) -> GuestFault {
    let registers = vcpu.value.state.registers
    return GuestFault(
      kind: kind, programCounter: registers.programCounter, address: registers.faultAddress,
      syndrome: registers.syndrome.rawValue)
  }

  @inline(__always) public static func complete(_ access: MMIOAccess, of vcpu: Reference<VCPU<Self>>, value: UInt64) {
    let registers = vcpu.value.state.registers
    let syndrome = registers.syndrome
    if case .read = access.direction {
      let abort = syndrome.dataAbort
      registers[abort.register] = abort.registerValue(loading: value)
    }
    registers.skipInstruction()
  }

  public static func refuse(_ access: MMIOAccess, of vcpu: Reference<VCPU<Self>>) -> GuestFault? {
    inject(.dataAbort(address: vcpu.value.state.registers.faultAddress, isStage1Walk: false), into: vcpu)
  }

  public static func handle(_ exit: AArch64Exit, of vcpu: Reference<VCPU<Self>>) -> VMExit<AArch64Exit> {
    switch exit {
    case .systemError: .fault(fault(of: vcpu, kind: .systemError))
    }
  }
}

/// Exits that only this architecture has.
public enum AArch64Exit {
  /// An SError: memory or a bus has failed under the guest.
  case systemError
}

// MARK: - Whose state is in the hardware

extension AArch64 {
  /// Puts the vCPU's state into this CPU's registers, after those of the one before.
  static func switchTo(_ vcpu: Reference<VCPU<Self>>, on cpu: Reference<PhysicalCPU<Self>>) {
    if let previous = cpu.value.local.loadedVCPU { unload(previous) }
    let vm = vcpu.value.vm
    write_VTTBR_EL2(vm.value.state.vttbr.rawValue)
    write_VMPIDR_EL2(vcpu.value.state.vmpidr)
    write_VPIDR_EL2(read_MIDR_EL1())
    write_CNTVOFF_EL2(vm.value.state.counterOffset)
    write_HCR_EL2(vm.value.state.hcr.rawValue)
    aarch64_isb()
    vcpu.value.state.system.load()
    vcpu.value.state.debug.load(cpu.value.local.machine.value.identity.debug)
    vcpu.value.state.optional.load(cpu.value.local.machine.value.identity)
    if cpu.value.local.machine.value.identity.hasPointerAuthentication { vcpu.value.state.keys.load() }
    // SAFETY: the state lives as long as the vCPU.
    unsafe fp_restore(vcpu.value.state.floatingPoint)
    loadInterrupts(of: vcpu, on: cpu)
    aarch64_isb()
    cpu.value.local.loadedVCPU = vcpu
  }

  /// Where the vCPU is loaded, it is on the CPU that calls: tasks do not move.
  public static func unload(_ vcpu: Reference<VCPU<Self>>) {
    let cpu = currentCPU
    guard cpu.value.local.loadedVCPU == vcpu else { return }
    unloadInterrupts(of: vcpu, on: cpu)
    vcpu.value.state.system.save()
    vcpu.value.state.debug.save(cpu.value.local.machine.value.identity.debug)
    vcpu.value.state.optional.save(cpu.value.local.machine.value.identity)
    if cpu.value.local.machine.value.identity.hasPointerAuthentication { vcpu.value.state.keys.save() }
    // SAFETY: the state lives as long as the vCPU.
    unsafe fp_save(vcpu.value.state.floatingPoint)
    cpu.value.local.loadedVCPU = nil
  }

  public static func reset(_ vcpu: Reference<VCPU<Self>>, entry: GuestPhysicalAddress, argument: UInt64) {
    vcpu.value.state.system = SystemRegisterState()
    vcpu.value.state.keys = PointerAuthenticationKeys()
    vcpu.value.state.debug = DebugState()
    vcpu.value.state.optional = OptionalRegisterState()
    vcpu.value.state.physicalTimer = PhysicalTimerState()
    vcpu.value.state.progress = ProgressWatch()
    // SAFETY: the state lives as long as the vCPU.
    unsafe vcpu.value.state.floatingPoint.initialize(to: FloatingPointState())
    let registers = vcpu.value.state.registers
    registers.clear()
    registers[0] = argument
    registers.programCounter = entry.rawValue
    registers.processorState = .atPowerOn
  }
}
