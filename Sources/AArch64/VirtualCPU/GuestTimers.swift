import CAArch64
import Kernel
import Virtualization

/// The guest's timers. The virtual one is the hardware's own while its vCPU is loaded; the physical one is served here,
/// because its counter must stand still with the VM's time (Arm ARM, D12.2).
extension AArch64 {
  private static let enable: UInt64 = 1 << 0
  private static let mask: UInt64 = 1 << 1
  private static let status: UInt64 = 1 << 2

  /// The counter as the guest reads it.
  static func guestCounter(of vm: Reference<VM<Self>>) -> UInt64 { read_CNTPCT_EL0() &- vm.value.state.counterOffset }

  public static func nextTimerDeadline(_ vcpu: Reference<VCPU<Self>>) -> UInt64 {
    let offset = vcpu.value.vm.value.state.counterOffset
    var deadline = UInt64.max
    let control: UInt64
    let compareValue: UInt64
    if currentCPU.value.local.loadedVCPU == vcpu {
      control = read_CNTV_CTL_EL0()
      compareValue = read_CNTV_CVAL_EL0()
    } else {
      control = vcpu.value.state.system.cntv_ctl_el0
      compareValue = vcpu.value.state.system.cntv_cval_el0
    }
    if control & (enable | mask) == enable { deadline = hostDeadline(compareValue, offset: offset) }
    let physical = vcpu.value.state.physicalTimer
    if physical.isEnabled, !physical.isMasked {
      deadline = min(deadline, hostDeadline(physical.compareValue, offset: offset))
    }
    return deadline
  }

  /// A guest's compare value on the hypervisor's counter; beyond its end is never.
  private static func hostDeadline(_ compareValue: UInt64, offset: UInt64) -> UInt64 {
    let (sum, overflow) = compareValue.addingReportingOverflow(offset)
    return overflow ? .max &- 1 : min(sum, .max &- 1)
  }

  /// Whether the virtual timer of a vCPU that is not loaded has run out.
  static func isVirtualTimerDue(_ vcpu: Reference<VCPU<Self>>) -> Bool {
    let system = vcpu.value.state.system
    return system.cntv_ctl_el0 & (enable | mask) == enable
      && guestCounter(of: vcpu.value.vm) >= system.cntv_cval_el0
  }

  /// The level of the physical timer's interrupt.
  static func isPhysicalTimerDue(_ vcpu: Reference<VCPU<Self>>) -> Bool {
    let timer = vcpu.value.state.physicalTimer
    return timer.isEnabled && !timer.isMasked && guestCounter(of: vcpu.value.vm) >= timer.compareValue
  }

  /// CNTP_CTL_EL0 as the guest reads it.
  static func physicalTimerControl(of vcpu: Reference<VCPU<Self>>) -> UInt64 {
    let timer = vcpu.value.state.physicalTimer
    let isDue = timer.isEnabled && guestCounter(of: vcpu.value.vm) >= timer.compareValue
    return (timer.isEnabled ? enable : 0) | (timer.isMasked ? mask : 0) | (isDue ? status : 0)
  }

  static func setPhysicalTimerControl(of vcpu: Reference<VCPU<Self>>, _ value: UInt64) {
    vcpu.value.state.physicalTimer.isInUse = true
    vcpu.value.state.physicalTimer.isEnabled = value & enable != 0
    vcpu.value.state.physicalTimer.isMasked = value & mask != 0
  }
}
