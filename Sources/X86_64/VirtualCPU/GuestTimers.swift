import CX86_64
import Kernel
import Virtualization

/// The guest's timer is its local APIC's; the hypervisor's own makes the guest exit in time.
extension X86_64 {
  /// The TSC as the guest reads it.
  static func guestCounter(of vm: Reference<VM<Self>>) -> UInt64 { counter &- vm.value.state.counterOffset }

  public static func nextTimerDeadline(_ vcpu: Reference<VCPU<Self>>) -> UInt64 {
    guard let deadline = vcpu.value.state.apic.timerDeadline else { return .max }
    // A guest's value on the hypervisor's counter; beyond its end is never.
    let (sum, overflow) = deadline.addingReportingOverflow(vcpu.value.vm.value.state.counterOffset)
    return overflow ? .max &- 1 : min(sum, .max &- 1)
  }

  /// The timer's interrupt follows its time; while it is armed, this CPU's own timer is set to it.
  @inline(__always) static func updateTimer(of vcpu: Reference<VCPU<Self>>) {
    guard vcpu.value.state.apic.timer.deadline != 0 else { return }
    updateRunningTimer(of: vcpu)
  }

  @inline(never) private static func updateRunningTimer(of vcpu: Reference<VCPU<Self>>) {
    vcpu.value.state.apic.updateTimer(now: guestCounter(of: vcpu.value.vm))
    Scheduler<Self>.setAlarm(deadline: nextTimerDeadline(vcpu))
  }
}
