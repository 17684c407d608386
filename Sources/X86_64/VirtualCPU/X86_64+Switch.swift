import CX86_64
import Kernel
import Virtualization

/// Whose state is in the hardware, and what it is at the start.
extension X86_64 {
  /// Puts the vCPU's state into this CPU's registers, after those of the one before.
  static func switchTo(_ vcpu: Reference<VCPU<Self>>, on cpu: Reference<PhysicalCPU<Self>>) {
    if let previous = cpu.value.local.loadedVCPU { unload(previous) }
    // SAFETY: state and frame live as long as the vCPU.
    unsafe x86_fxrstor(vcpu.value.state.floatingPoint)
    vcpu.value.state.debug.load()
    // SAFETY: as above.
    unsafe vcpu.value.state.registers.frame.pointee.hostVMCB = cpu.value.local.hostVMCB.rawValue
    cpu.value.local.loadedVCPU = vcpu
  }

  /// Where the vCPU is loaded, it is on the CPU that calls: tasks do not move.
  public static func unload(_ vcpu: Reference<VCPU<Self>>) {
    let cpu = currentCPU
    guard cpu.value.local.loadedVCPU == vcpu else { return }
    // SAFETY: the state lives as long as the vCPU.
    unsafe x86_fxsave(vcpu.value.state.floatingPoint)
    vcpu.value.state.debug.save()
    cpu.value.local.loadedVCPU = nil
  }

  public static func turnOff(_ vcpu: Reference<VCPU<Self>>) { unload(vcpu) }

  // MARK: - INIT and SIPI

  /// What another vCPU has asked of this one, or this one of others. Nil where there is nothing, and the guest may run.
  static func obeySignals(of vcpu: Reference<VCPU<Self>>) -> VMExit<X86Exit>? {
    if let index = vcpu.value.state.starting.popFirst() {
      vcpu.value.state.isStarting = true
      return .cpuUp(
        target: UInt64(index), entry: GuestPhysicalAddress(UInt64(vcpu.value.state.startPage) << 12),
        argument: GuestStart.bySIPI)
    }
    let signals = vcpu.value.state.apic.pendingSignals
    if signals.contains(.initialise) {
      vcpu.value.state.waitsForStart = true
      vcpu.value.state.apic.reset(isPowerOn: false)
      vcpu.value.state.interrupted = .none
    }
    guard vcpu.value.state.waitsForStart else { return nil }
    let start = vcpu.value.state.apic.take(.start)
    guard start.contains(.start) else { return .halt }
    vcpu.value.state.waitsForStart = false
    putAtStart(vcpu, entry: GuestPhysicalAddress(UInt64(start.page) << 12), argument: GuestStart.bySIPI)
    return nil
  }

  // MARK: - Start

  public static func reset(_ vcpu: Reference<VCPU<Self>>, entry: GuestPhysicalAddress, argument: UInt64) {
    vcpu.value.state.apic.reset(isPowerOn: true)
    vcpu.value.state.memoryDefaultType = 0xc06
    vcpu.value.state.waitsForStart = false
    vcpu.value.state.starting = .none
    vcpu.value.state.isStarting = false
    putAtStart(vcpu, entry: entry, argument: argument)
  }

  private static func putAtStart(_ vcpu: Reference<VCPU<Self>>, entry: GuestPhysicalAddress, argument: UInt64) {
    unload(vcpu)
    vcpu.value.state.debug = DebugRegisters()
    vcpu.value.state.asid = ASIDTag()
    vcpu.value.state.interrupted = .none
    vcpu.value.state.servesNMI = false
    vcpu.value.state.endOfNMI = nil
    vcpu.value.state.access = nil
    // SAFETY: the state lives as long as the vCPU.
    unsafe vcpu.value.state.floatingPoint.initialize(to: GuestStart.floatingPoint)
    let registers = vcpu.value.state.registers
    registers.clear()
    setControls(vcpu, registers.vmcb)
    GuestStart.set(registers, entry: entry.rawValue, argument: argument)
  }

  /// What of the VMCB the guest does not see.
  private static func setControls(_ vcpu: Reference<VCPU<Self>>, _ vmcb: VMCB) {
    let vm = vcpu.value.vm
    let machine = currentCPU.value.local.machine
    vmcb[VMCB.interceptExceptions] = InterceptedException.mask
    vmcb[VMCB.interceptsA] = InterceptsA.guest(idlesNatively: vm.value.state.idlesNatively).rawValue
    vmcb[VMCB.interceptsB] = InterceptsB.guest.rawValue
    vmcb[VMCB.ioPermissionBase] = machine.value.permissions.ports.rawValue
    vmcb[VMCB.msrPermissionBase] = machine.value.permissions.registers.rawValue
    vmcb[VMCB.tscOffset] = 0 &- vm.value.state.counterOffset
    vmcb[VMCB.nestedControl] = 1
    vmcb[VMCB.nestedCR3] = vm.value.state.nestedTable.root.rawValue
  }
}
