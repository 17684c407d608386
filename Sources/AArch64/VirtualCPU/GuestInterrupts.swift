import CAArch64
import Kernel
import Virtualization

/// A vCPU's interrupts on their way between its virtual controller and the hardware of the CPU it is on.
extension AArch64 {
  private static var file: HardwareListRegisters { HardwareListRegisters() }

  /// Before each entry.
  @inline(__always) static func enterInterrupts(of vcpu: Reference<VCPU<Self>>) {
    carryOut(vcpu.value.vm.value.state.gic.prepareEntry(vcpu.value.index, on: file), in: vcpu.value.vm)
  }

  @inline(__always) private static func carryOut(_ work: VirtualGIC.EntryWork, in vm: Reference<VM<Self>>) {
    if work.deactivatesTimer { PhysicalGIC.deactivate(PhysicalGIC.INTID.virtualTimer) }
    if work.notified != 0 { vm.value.notify(CPUSet(rawValue: work.notified)) }
  }

  /// Puts the vCPU's virtual CPU interface into the hardware.
  static func loadInterrupts(of vcpu: Reference<VCPU<Self>>, on cpu: Reference<PhysicalCPU<Self>>) {
    let index = vcpu.value.index
    vcpu.value.vm.value.state.gic.load(index, to: file)
    let isLinked = vcpu.value.vm.value.state.gic.isTimerLinked(index, on: file)
    PhysicalGIC.setActive(PhysicalGIC.INTID.virtualTimer, isLinked, redistributor: cpu.value.local.redistributor)
  }

  /// Takes it out again. The next vCPU's timer must be able to interrupt.
  static func unloadInterrupts(of vcpu: Reference<VCPU<Self>>, on cpu: Reference<PhysicalCPU<Self>>) {
    vcpu.value.vm.value.state.gic.save(vcpu.value.index, from: file)
    PhysicalGIC.setActive(PhysicalGIC.INTID.virtualTimer, false, redistributor: cpu.value.local.redistributor)
  }

  /// The vCPU is off from here on: gives back what its list registers hold, and leaves the hardware.
  public static func turnOff(_ vcpu: Reference<VCPU<Self>>) {
    let cpu = currentCPU
    if cpu.value.local.loadedVCPU != vcpu { switchTo(vcpu, on: cpu) }
    carryOut(vcpu.value.vm.value.state.gic.retire(vcpu.value.index, on: file), in: vcpu.value.vm)
    unload(vcpu)
  }

  /// The guest's timer has fired on this CPU.
  @inline(__always) static func takeVirtualTimer(on cpu: Reference<PhysicalCPU<Self>>) {
    guard let vcpu = cpu.value.local.loadedVCPU else {
      // Nobody's: the timer is off while nobody is loaded.
      PhysicalGIC.deactivate(PhysicalGIC.INTID.virtualTimer)
      return
    }
    vcpu.value.vm.value.state.gic.raiseLinkedTimer(vcpu.value.index, on: file)
    // Where it has just left its guest it looks anyway.
    if let task = vcpu.value.task, cpu.value.currentTask != task { Scheduler<Self>.wake(task) }
  }

  /// List registers have run empty while more interrupts wait in software, or the like.
  static func takeMaintenance(on cpu: Reference<PhysicalCPU<Self>>) {
    guard let vcpu = cpu.value.local.loadedVCPU else { return }
    vcpu.value.vm.value.state.gic.requestRebuild(vcpu.value.index)
  }

  public static func hasPendingInterrupt(_ vcpu: Reference<VCPU<Self>>) -> Bool {
    if currentCPU.value.local.loadedVCPU == vcpu {
      return vcpu.value.vm.value.state.gic.needsAttention(vcpu.value.index)
        || vcpu.value.vm.value.state.gic.hasDeliverable(vcpu.value.index, on: file) || isPhysicalTimerRaised(vcpu)
    }
    return vcpu.value.vm.value.state.gic.needsAttention(vcpu.value.index) || isVirtualTimerDue(vcpu)
      || isPhysicalTimerRaised(vcpu)
  }

  private static let physicalTimerPPI = 30

  /// Brings the physical timer's line up to date; says whether it is up.
  private static func isPhysicalTimerRaised(_ vcpu: Reference<VCPU<Self>>) -> Bool {
    updatePhysicalTimer(of: vcpu)
    return isPhysicalTimerDue(vcpu)
  }

  /// The physical timer's line follows its state; while it is armed, this CPU's own timer makes the guest exit in time.
  @inline(__always) static func updatePhysicalTimer(of vcpu: Reference<VCPU<Self>>) {
    guard vcpu.value.state.physicalTimer.isInUse else { return }
    updateUsedPhysicalTimer(of: vcpu)
  }

  @inline(never) private static func updateUsedPhysicalTimer(of vcpu: Reference<VCPU<Self>>) {
    let isDue = isPhysicalTimerDue(vcpu)
    let notified = vcpu.value.vm.value.state.gic.setPrivateLine(
      physicalTimerPPI, isAsserted: isDue, vcpu: vcpu.value.index)
    _ = notified  // this vCPU itself, which is about to look
    let timer = vcpu.value.state.physicalTimer
    if timer.isEnabled, !timer.isMasked, !isDue { Scheduler<Self>.setAlarm(deadline: nextTimerDeadline(vcpu)) }
    if !timer.isEnabled { vcpu.value.state.physicalTimer.isInUse = false }
  }
}
