import CRISCV64
import Kernel
import Synchronization
import Virtualization

/// Into the guest and out of it.
extension RISCV64 {
  public static func run(_ vcpu: Reference<VCPU<Self>>) -> VMExit<RISCV64Exit> {
    let cpu = currentCPU
    if cpu.value.local.loadedVCPU != vcpu { switchTo(vcpu, on: cpu) }
    enterInterrupts(of: vcpu)
    vcpu.value.statistics.time.endHypervisor(at: counter)
    // SAFETY: the vCPU is loaded, its frame is its own, and interrupts are masked until the guest runs.
    unsafe vcpu_enter(vcpu.value.state.registers.frame)
    return vcpu.value.state.exit
  }

  public static func handle(_ exit: RISCV64Exit, of vcpu: Reference<VCPU<Self>>) -> VMExit<RISCV64Exit> {}

  public static func complete(_ access: MMIOAccess, of vcpu: Reference<VCPU<Self>>, value: UInt64) {
    let registers = vcpu.value.state.registers
    let decoded = vcpu.value.state.trap.access
    if case .read = access.direction { registers[decoded.register] = decoded.registerValue(loading: value) }
    registers.programCounter &+= decoded.byteCount
  }

  public static func refuse(_ access: MMIOAccess, of vcpu: Reference<VCPU<Self>>) -> GuestFault? {
    let cause: TrapCause =
      switch access.direction {
      case .read: .loadAccessFault
      case .write: .storeAccessFault
      }
    return inject(cause, value: vcpu.value.state.trap.value, into: vcpu)
  }
}

/// Exits that only this architecture has: none.
public enum RISCV64Exit {}

// MARK: - Whose state is in the hardware

extension RISCV64 {
  /// Puts the vCPU's state into this hart's registers, after those of the one before.
  static func switchTo(_ vcpu: Reference<VCPU<Self>>, on cpu: Reference<PhysicalCPU<Self>>) {
    if let previous = cpu.value.local.loadedVCPU { unload(previous) }
    let vm = vcpu.value.vm
    let identity = cpu.value.local.machine.value.identity
    // The hart may walk ahead at any time: never one VM's tables by another's (RISC-V privileged architecture, `vsatp`).
    write_vsatp(0)
    write_hgatp(vm.value.state.translation.rawValue)
    forgetOthersTranslations(for: vcpu, on: cpu)
    write_htimedelta(0 &- vm.value.state.counterOffset)
    vcpu.value.state.system.load(hasSstc: identity.hasSstc)
    set_sstatus(sstatus.fs.mask)
    // SAFETY: the state lives as long as the vCPU.
    unsafe fp_restore(vcpu.value.state.floatingPoint)
    cpu.value.local.loadedVCPU = vcpu
  }

  /// Translations are kept by VMID, and by the guest's own address-space numbers, which each of its vCPUs uses as it likes.
  /// Without VMIDs all guests have the same.
  private static func forgetOthersTranslations(
    for vcpu: Reference<VCPU<Self>>, on cpu: Reference<PhysicalCPU<Self>>
  ) {
    let last = cpu.value.local.lastVCPU
    cpu.value.local.lastVCPU = vcpu
    guard let last, last != vcpu else { return }
    if vcpu.value.vm.value.state.vmid == 0 {
      riscv64_hfence_gvma()
      riscv64_hfence_vvma()
    } else if hasSibling(vcpu, on: cpu) {
      riscv64_hfence_vvma()
    }
  }

  /// Whether another vCPU of the VM runs on the same hart.
  private static func hasSibling(_ vcpu: Reference<VCPU<Self>>, on cpu: Reference<PhysicalCPU<Self>>) -> Bool {
    let vm = vcpu.value.vm
    for index in vm.value.vcpus.indices where index != vcpu.value.index {
      if vm.value.vcpus[index].value.task?.value.cpu == cpu { return true }
    }
    return false
  }

  /// Where the vCPU is loaded, it is on the hart that calls: tasks do not move.
  public static func unload(_ vcpu: Reference<VCPU<Self>>) {
    let cpu = currentCPU
    guard cpu.value.local.loadedVCPU == vcpu else { return }
    vcpu.value.state.system.save(hasSstc: cpu.value.local.machine.value.identity.hasSstc)
    let registers = vcpu.value.state.registers
    if registers.status.isFloatingPointDirty {
      set_sstatus(sstatus.fs.mask)
      // SAFETY: the state lives as long as the vCPU.
      unsafe fp_save(vcpu.value.state.floatingPoint)
      registers.status.markFloatingPointClean()
    }
    cpu.value.local.loadedVCPU = nil
  }

  /// The vCPU is off from here on: nothing of it stays in the hardware, and no interrupt waits for it.
  public static func turnOff(_ vcpu: Reference<VCPU<Self>>) { unload(vcpu) }

  public static func reset(_ vcpu: Reference<VCPU<Self>>, entry: GuestPhysicalAddress, argument: UInt64) {
    unload(vcpu)
    vcpu.value.state.system = SystemRegisterState()
    vcpu.value.state.timerDeadline = .max
    vcpu.value.state.progress = ProgressWatch()
    vcpu.value.state.trap = GuestTrap()
    vcpu.value.state.isSoftwareRequested.store(false, ordering: .sequentiallyConsistent)
    vcpu.value.state.isExternalRaised = false
    // SAFETY: the state lives as long as the vCPU.
    unsafe vcpu.value.state.floatingPoint.initialize(to: FloatingPointState())
    let registers = vcpu.value.state.registers
    registers.clear(status: .guestAtPowerOn, traps: vcpu.value.vm.value.state.traps)
    // Linux, booting.rst of riscv, and SBI HSM agree: the hart, and what it is to know.
    registers[Register.a0] = vcpu.value.state.hart
    registers[Register.a1] = argument
    registers.programCounter = entry.rawValue
  }
}
