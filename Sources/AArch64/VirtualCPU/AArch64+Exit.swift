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
    let answer = decode(syndrome, of: vcpu)
    guard answer != .leave else { return leave(vcpu, since: arrival) }
    return goOn(vcpu, on: cpu, since: arrival, answer)
  }

  /// One interrupt an exit: where another is pending, the next exit comes at once.
  @inline(__always) static func takeInterrupt() -> ExitAnswer {
    let arrival = counter
    let cpu = currentCPU
    let vcpu = loadedVCPU(of: cpu)
    vcpu.value.statistics.interrupts &+= 1
    let intid = PhysicalGIC.acknowledge()
    if intid < PhysicalGIC.INTID.firstSpecial { handle(intid, on: cpu) }
    // The owner wants something else of the vCPU, and has sent this interrupt to say so.
    guard vcpu.value.vm.value.control.load(ordering: .relaxed).isRun else {
      return leave(vcpu, with: .handled, since: arrival)
    }
    return goOn(vcpu, on: cpu, since: arrival, .goOn)
  }

  static func takeSystemError() -> ExitAnswer {
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

  /// What the run loop does before each entry, for an exit that is finished: `leave` where the scheduler wants a turn.
  ///
  /// What another CPU wants comes as an interrupt once the guest runs, so only what this CPU did itself is looked for.
  @inline(__always) private static func goOn(
    _ vcpu: Reference<VCPU<Self>>, on cpu: Reference<PhysicalCPU<Self>>, since arrival: UInt64, _ answer: ExitAnswer
  ) -> ExitAnswer {
    updatePhysicalTimer(of: vcpu)
    if vcpu.value.state.gic.value.attention.load(ordering: .relaxed) != 0 { takeAttention(of: vcpu) }
    guard !cpu.value.isRescheduleNeeded else { return leave(vcpu, with: .handled, since: arrival) }
    vcpu.value.statistics.time.addExitInPlace(from: arrival, to: counter)
    return answer
  }

  @inline(never) private static func takeAttention(of vcpu: Reference<VCPU<Self>>) { enterInterrupts(of: vcpu) }

  @inline(never) private static func leave(
    _ vcpu: Reference<VCPU<Self>>, with exit: VMExit<AArch64Exit>, since arrival: UInt64
  ) -> ExitAnswer {
    vcpu.value.state.exit = exit
    return leave(vcpu, since: arrival)
  }

  @inline(__always) private static func leave(_ vcpu: Reference<VCPU<Self>>, since arrival: UInt64) -> ExitAnswer {
    vcpu.value.statistics.time.endGuest(at: arrival)
    return .leave
  }
}
