import CRISCV64
import Kernel
import Virtualization

/// The guest's timer: the hardware's own where there is Sstc, else one that SBI sets and the hypervisor watches.
extension RISCV64 {
  private static var hasSstc: Bool { currentCPU.value.local.machine.value.identity.hasSstc }

  /// `time` as the guest reads it.
  static func guestCounter(of vm: Reference<VM<Self>>) -> UInt64 { counter &- vm.value.state.counterOffset }

  public static func nextTimerDeadline(_ vcpu: Reference<VCPU<Self>>) -> UInt64 {
    let (deadline, overflow) = compareValue(of: vcpu).addingReportingOverflow(vcpu.value.vm.value.state.counterOffset)
    return overflow ? .max : deadline
  }

  /// When the guest's timer raises its interrupt, on the guest's counter.
  private static func compareValue(of vcpu: Reference<VCPU<Self>>) -> UInt64 {
    guard hasSstc else { return vcpu.value.state.timerDeadline }
    return currentCPU.value.local.loadedVCPU == vcpu ? read_vstimecmp() : vcpu.value.state.system.vstimecmp
  }

  /// Whether the timer of a vCPU that is not loaded has run out.
  static func isTimerDue(_ vcpu: Reference<VCPU<Self>>) -> Bool {
    guestCounter(of: vcpu.value.vm) >= compareValue(of: vcpu)
  }

  /// SBI's set_timer, of the vCPU that calls: takes the interrupt away until then.
  static func setTimer(_ deadline: UInt64, of vcpu: Reference<VCPU<Self>>) {
    if hasSstc {
      write_vstimecmp(deadline)
    } else {
      vcpu.value.state.timerDeadline = deadline
      clear_hvip(VirtualInterrupts.timer.rawValue)
    }
  }

  /// Raises the interrupt of a timer without Sstc when it is due; before, the hypervisor's own makes the guest exit in time.
  @inline(__always) static func updateTimer(of vcpu: Reference<VCPU<Self>>) {
    if vcpu.value.state.timerDeadline != .max { updateUsedTimer(of: vcpu) }
  }

  @inline(never) private static func updateUsedTimer(of vcpu: Reference<VCPU<Self>>) {
    if isTimerDue(vcpu) {
      vcpu.value.state.timerDeadline = .max
      set_hvip(VirtualInterrupts.timer.rawValue)
    } else {
      Scheduler<Self>.setAlarm(deadline: nextTimerDeadline(vcpu))
    }
  }
}
