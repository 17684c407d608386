import CRISCV64
import Kernel
import Synchronization
import Virtualization

/// A vCPU's hardware state.
@safe public struct RISCV64VCPUState: ~Copyable {
  let registers: GuestRegisters
  var system = SystemRegisterState()
  let floatingPoint: UnsafeMutablePointer<FloatingPointState>
  /// The hart's number as the guest knows it.
  let hart: UInt64
  /// What the last trap was about.
  var trap = GuestTrap()
  /// What the run loop is to do about it.
  var exit: VMExit<RISCV64Exit> = .handled
  /// The guest's timer where there is no Sstc; `.max` for never. In ticks of the guest's `time`.
  var timerDeadline: UInt64 = .max
  /// To notice a guest that takes the same fault again and again.
  var progress = ProgressWatch()
  /// Another vCPU has sent an interrupt. Set by anyone, who then notifies the vCPU; taken by its own task (sequentially
  /// consistent, as `VCPU.isInGuest` demands).
  let isSoftwareRequested = Atomic<Bool>(false)
  /// Whether `hvip.VSEIP` is set, in the hardware or in `system`.
  var isExternalRaised = false

  init(index: Int) {
    registers = .make()
    unsafe floatingPoint = .allocate(capacity: 1)
    unsafe floatingPoint.initialize(to: FloatingPointState())
    hart = UInt64(index)
  }

  deinit {
    registers.destroy()
    unsafe floatingPoint.deallocate()
  }
}

/// A trap of the guest, read once from the registers that the next trap overwrites.
struct GuestTrap {
  var cause = TrapCause(rawValue: 0)
  /// `stval`: an address or an instruction, by the cause.
  var value: UInt64 = 0
  /// The guest-physical address of a guest page fault.
  var address = GuestPhysicalAddress(0)
  /// The access that is to be carried out, for `complete`.
  var access = DeviceAccess.none
}
