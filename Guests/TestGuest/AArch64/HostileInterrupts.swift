import CGuestAArch64
import GuestKit
import Synchronization

/// `hostile-storm`: software interrupts as fast as they go, to itself, to all, to nobody, with wild encodings; then a
/// timer that is always due.
func runHostileStorm(_ options: Options, _ verdict: inout Verdict) {
  let count = options.number("count") ?? 50_000
  for cpu in 1..<max(1, machine.cpus.count) { verdict.check(machine.bringUp(cpu: cpu), "up, CPU", UInt64(cpu)) }
  storm("to itself", count) { _ in
    GICv3.sendSGI(UInt64(GuestInterrupt.test.rawValue), to: machine.affinities[0])
  }
  // Bit 40, IRM: to all but the sender.
  storm("to all others", count) { _ in guest_write_icc_sgi1r(1 << 40 | 1 << 24) }
  storm("of every number to all others", count) { guest_write_icc_sgi1r(1 << 40 | ($0 & 0xF) << 24) }
  storm("to CPUs that are not there", count) { guest_write_icc_sgi1r($0 << 32 | 0xFFFF | 1 << 24 | 0xF << 44) }
  storm("with every bit", count) { _ in guest_write_icc_sgi1r(~0) }
  storm("with the others masked", count) { _ in
    guest_interrupts_off()
    GICv3.sendSGI(UInt64(GuestInterrupt.test.rawValue), to: machine.affinities[0])
    guest_interrupts_on()
  }
  for cpu in 0..<machine.cpus.count {
    machine.say { line in
      line.text("cpu ")
      line.decimal(cpu)
      line.text(" took ")
      line.decimal(machine.cpus[cpu].testInterruptCount.load(ordering: .relaxed))
      line.text(", others ")
      line.decimal(machine.cpus[cpu].strayInterruptCount.load(ordering: .relaxed))
    }
  }
  timerStorm(count, &verdict)
  checkThatInterruptsWork(&verdict)
}

private func storm(_ name: StaticString, _ count: UInt64, _ send: (UInt64) -> Void) {
  for index in 0..<count { send(index) }
  machine.say { line in
    line.text("sent ")
    line.decimal(count)
    line.text(" interrupts ")
    line.text(name)
  }
}

/// The handler switches the timer off; this makes it due again at once, as often as `count`.
private func timerStorm(_ count: UInt64, _ verdict: inout Verdict) {
  let before = machine.cpus[0].timerInterruptCount.load(ordering: .relaxed)
  for _ in 0..<count { machine.setTimer(at: 0) }
  let came = machine.cpus[0].timerInterruptCount.load(ordering: .relaxed) - before
  verdict.check(came > 0, "timer interrupts of a timer that is always due", UInt64(came))
}

/// `hostile-nested`: faults inside the handling of faults, 64 deep.
func runHostileNested(_ verdict: inout Verdict) {
  let me = machine.currentCPU
  machine.cpus[me].nestedFaultCount.store(64, ordering: .relaxed)
  verdict.probe("64 nested faults", machine.endOfMemory, allowed: [.dataAbort]) {
    Access.load(8, machine.nestedFaultAddress)
  }
  verdict.check(machine.cpus[me].nestedFaultCount.load(ordering: .relaxed) == 0, "all of them were taken")
}

extension AArch64Machine {
  /// Where `hostile-nested` and the exception handler load from: mapped, without memory.
  var nestedFaultAddress: UInt64 { 0x1F_FFFF_F000 }

  /// Faults again, inside the handler, as long as `hostile-nested` wants it.
  func faultAgain(on cpu: Int) {
    guard cpus[cpu].nestedFaultCount.load(ordering: .relaxed) > 0 else { return }
    cpus[cpu].nestedFaultCount.wrappingSubtract(1, ordering: .relaxed)
    _ = Access.load(8, nestedFaultAddress)
  }
}
