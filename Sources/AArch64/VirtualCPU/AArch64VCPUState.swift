import CAArch64
import Kernel
import Virtualization

/// A vCPU's hardware state.
@safe public struct AArch64VCPUState: ~Copyable {
  let registers: GuestRegisters
  var system = SystemRegisterState()
  var keys = PointerAuthenticationKeys()
  var debug = DebugState()
  var optional = OptionalRegisterState()
  let floatingPoint: UnsafeMutablePointer<FloatingPointState>
  /// VMPIDR_EL2: what the guest reads as MPIDR_EL1.
  let vmpidr: UInt64
  /// The guest's physical timer, which the hypervisor serves (CNTP_CTL_EL0, CNTP_CVAL_EL0).
  var physicalTimer = PhysicalTimerState()
  /// What the last exit that was not finished in place has left to do.
  var exit = VMExit<AArch64Exit>.handled
  /// To notice a guest that takes the same fault again and again.
  var progress = ProgressWatch()

  /// This vCPU's part of its VM's interrupt controller, which outlives the vCPU.
  let gic: Reference<VirtualGICCPU>

  init(index: Int, gic: Reference<VirtualGICCPU>) {
    self.gic = gic
    registers = .make()
    unsafe floatingPoint = .allocate(capacity: 1)
    unsafe floatingPoint.initialize(to: FloatingPointState())
    vmpidr = Self.affinity(of: index) | 1 << 31
  }

  deinit {
    registers.destroy()
    unsafe floatingPoint.deallocate()
  }

  /// As QEMU's `virt` numbers them: sixteen to a cluster.
  static func affinity(of index: Int) -> UInt64 { UInt64(index & 15) | UInt64(index >> 4) << 8 }
}

/// CNTP_CTL_EL0 and CNTP_CVAL_EL0 as the guest wrote them.
struct PhysicalTimerState {
  /// Enabled now, or since its line was last looked at.
  var isInUse = false
  var isEnabled = false
  var isMasked = false
  /// In ticks of the guest's own counter.
  var compareValue: UInt64 = 0
}
