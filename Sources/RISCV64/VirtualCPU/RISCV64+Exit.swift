import CRISCV64
import Kernel
import Synchronization
import Virtualization

/// The exits of a guest, called by the vector on the stack of the vCPU's task (WorldSwitch.S).
///
/// What needs no other task and no decision of the run loop is finished here, and the guest goes on at once. `isInGuest`
/// stays up meanwhile: whoever makes work for the vCPU sends this hart an interrupt, which stays pending and is the next
/// exit. Everything else leaves `vcpu_enter`, with what is to be done in `exit`.
extension RISCV64 {
  /// An answer to the vector.
  enum ExitAnswer: UInt {
    case goOn = 0
    case leave = 1
  }

  /// Causes below `VCPU_FIRST_DECODED_CAUSE`, and interrupts. Of the guest's registers only those are in the frame that a
  /// caller saves.
  @inline(__always) static func takeExit() -> ExitAnswer {
    let arrival = counter
    let cpu = currentCPU
    let vcpu = loadedVCPU(of: cpu)
    let cause = TrapCause(rawValue: read_scause())
    if cause == .guestCall {
      vcpu.value.statistics.hypercalls &+= 1
      vcpu.value.state.registers.programCounter &+= 4
      return finish(callFirmware(vcpu), of: vcpu, on: cpu, since: arrival)
    }
    if cause.isInterrupt {
      vcpu.value.statistics.interrupts &+= 1
      handleInterrupts()
      return finish(.handled, of: vcpu, on: cpu, since: arrival)
    }
    return finish(takeException(cause, of: vcpu), of: vcpu, on: cpu, since: arrival)
  }

  /// Guest page faults and virtual instructions. All of the guest's registers are in the frame.
  @inline(__always) static func takeAccess() -> ExitAnswer {
    let arrival = counter
    let cpu = currentCPU
    let vcpu = loadedVCPU(of: cpu)
    var exit = decodeAccess(vcpu)
    if case .mmio(let access) = exit, carryOut(access, of: vcpu) { exit = .handled }
    return finish(exit, of: vcpu, on: cpu, since: arrival)
  }

  @inline(__always) private static func loadedVCPU(of cpu: Reference<PhysicalCPU<Self>>) -> Reference<VCPU<Self>> {
    guard let vcpu = cpu.value.local.loadedVCPU else { fatalError("an exit of no vCPU") }
    return vcpu
  }

  /// What the run loop does before each entry, for an exit that is finished: `leave` where it is wanted there.
  @inline(__always) private static func finish(
    _ exit: VMExit<RISCV64Exit>, of vcpu: Reference<VCPU<Self>>, on cpu: Reference<PhysicalCPU<Self>>,
    since arrival: UInt64
  ) -> ExitAnswer {
    if case .handled = exit {
      enterInterrupts(of: vcpu)
      // Relaxed: another hart that changes either later interrupts this one.
      if !cpu.value.isRescheduleNeeded, vcpu.value.vm.value.control.load(ordering: .relaxed).isRun {
        vcpu.value.statistics.time.addExitInPlace(from: arrival, to: counter)
        return .goOn
      }
    }
    vcpu.value.statistics.time.endGuest(at: arrival)
    vcpu.value.state.exit = exit
    return .leave
  }

  /// Exceptions that hedeleg should keep from here: the hart does not delegate them, so they are given back.
  @inline(never) private static func takeException(
    _ cause: TrapCause, of vcpu: Reference<VCPU<Self>>
  ) -> VMExit<RISCV64Exit> {
    vcpu.value.statistics.others &+= 1
    vcpu.value.state.trap = GuestTrap(cause: cause, value: read_stval())
    guard GuestControls.exceptions & cause.bit != 0 else { return .fault(fault(of: vcpu, kind: .unexpectedExit)) }
    return injecting(cause, value: vcpu.value.state.trap.value, into: vcpu)
  }
}
