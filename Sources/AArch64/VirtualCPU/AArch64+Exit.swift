import CAArch64
import Kernel
import Synchronization
import Virtualization

/// The exits of a guest, called by the vectors on the stack of the vCPU's task (WorldSwitch.S).
///
/// What needs no other task and no decision of the run loop is finished here, and the guest goes on at once. `isInGuest`
/// stays up meanwhile: whoever makes work for the vCPU sends this CPU an interrupt, which stays pending while interrupts
/// are masked and is the next exit. Everything else leaves `vcpu_enter`, with what is to be done in `exit`.
///
///     vector ──▶ decode ──▶ handler ──▶ handled ──▶ goOn ──▶ ERET
///                              │                      │
///                              └── not here ──────────┴──▶ leave ──▶ run ──▶ VCPULoop
extension AArch64 {
  /// A handler's answer to the vector.
  enum ExitAnswer: UInt {
    case goOn = 0
    /// With registers from X20 to X28 that are new in the frame.
    case goOnWithAll = 1
    case leave = 2
  }

  @inline(__always) static func takeSynchronous() -> ExitAnswer {
    let arrival = counter
    let cpu = currentCPU
    let vcpu = loadedVCPU(of: cpu)
    let syndrome = ESR_EL2(rawValue: read_ESR_EL2())
    vcpu.value.state.registers.keepSyndrome(syndrome)
    var exit = decode(syndrome, of: vcpu)
    if case .mmio(let access) = exit, carryOut(access, of: vcpu) { exit = .handled }
    guard case .handled = exit else { return leave(vcpu, with: exit, since: arrival) }
    let answer = goOn(vcpu, on: cpu, since: arrival)
    return answer == .goOn && syndrome.loadsCalleeSavedRegister ? .goOnWithAll : answer
  }

  /// One interrupt an exit: where another is pending, the next exit comes at once.
  @inline(__always) static func takeInterrupt() -> ExitAnswer {
    let arrival = counter
    let cpu = currentCPU
    let vcpu = loadedVCPU(of: cpu)
    vcpu.value.statistics.interrupts &+= 1
    let intid = PhysicalGIC.acknowledge()
    if intid < PhysicalGIC.INTID.firstSpecial { handle(intid, on: cpu) }
    return goOn(vcpu, on: cpu, since: arrival)
  }

  @inline(__always) static func takeSystemError() -> ExitAnswer {
    let arrival = counter
    let vcpu = loadedVCPU(of: currentCPU)
    vcpu.value.statistics.others &+= 1
    vcpu.value.state.registers.keepSyndrome(ESR_EL2(rawValue: read_ESR_EL2()))
    return leave(vcpu, with: .arch(.systemError), since: arrival)
  }

  @inline(__always) private static func loadedVCPU(of cpu: Reference<PhysicalCPU<Self>>) -> Reference<VCPU<Self>> {
    guard let vcpu = cpu.value.local.loadedVCPU else { fatalError("an exit of no vCPU") }
    return vcpu
  }

  /// What the run loop does before each entry, for an exit that is finished: `leave` where it is wanted there.
  @inline(__always) private static func goOn(
    _ vcpu: Reference<VCPU<Self>>, on cpu: Reference<PhysicalCPU<Self>>, since arrival: UInt64
  ) -> ExitAnswer {
    updatePhysicalTimer(of: vcpu)
    enterInterrupts(of: vcpu)
    // Relaxed: another CPU that changes either later interrupts this one.
    guard !cpu.value.isRescheduleNeeded, vcpu.value.vm.value.control.load(ordering: .relaxed).isRun else {
      return leave(vcpu, with: .handled, since: arrival)
    }
    vcpu.value.statistics.time.addExitInPlace(from: arrival, to: counter)
    return .goOn
  }

  @inline(__always) private static func leave(
    _ vcpu: Reference<VCPU<Self>>, with exit: VMExit<AArch64Exit>, since arrival: UInt64
  ) -> ExitAnswer {
    vcpu.value.statistics.time.endGuest(at: arrival)
    vcpu.value.state.exit = exit
    return .leave
  }
}
