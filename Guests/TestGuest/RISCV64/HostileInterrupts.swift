import CGuestRISCV64
import GuestKit
import Synchronization

/// `hostile-storm`: IPIs and remote fences as fast as they go, to itself, to all, to nobody; then a timer that is always due.
func runHostileStorm(_ options: Options, _ verdict: inout Verdict) {
  let count = options.number("count") ?? 20_000
  for cpu in 1..<max(1, machine.cpus.count) {
    verdict.check(!machine.isOff(cpu: cpu) || machine.bringUp(cpu: cpu), "up, CPU", UInt64(cpu))
  }
  storm("IPIs to itself", count) { _ in machine.sendInterrupt(.test, to: 0) }
  storm("IPIs to all", count) { _ in _ = SBI.call(SBI.ipi, 0, 0, ~0) }
  storm("IPIs to harts that are not there", count) { _ = SBI.call(SBI.ipi, 0, ~0, 64 + $0) }
  storm("IPIs to itself, masked", count) { _ in
    guest_clear_sstatus(RISCV64Machine.interruptEnable)
    machine.sendInterrupt(.test, to: 0)
    guest_set_sstatus(RISCV64Machine.interruptEnable)
  }
  let some = count / 4
  storm("instruction fences on all", some) { _ in _ = SBI.call(SBI.remoteFence, 0, 0, ~0) }
  storm("fences of everything on all", some) { _ in _ = SBI.call(SBI.remoteFence, 1, 0, ~0, 0, ~0) }
  storm("fences of pages on all", some) { _ = SBI.call(SBI.remoteFence, 1, 0, ~0, $0 << 12, ($0 & 127) << 12) }
  storm("fences of address spaces on all", some) { _ = SBI.call(SBI.remoteFence, 2, 0, ~0, 0, ~0, $0) }
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
    line.text(" ")
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
  verdict.probe("64 nested faults", machine.nestedFaultAddress, allowed: [.accessFault]) {
    Access.load(8, machine.nestedFaultAddress)
  }
  verdict.check(machine.cpus[me].nestedFaultCount.load(ordering: .relaxed) == 0, "all of them were taken")
}

extension RISCV64Machine {
  /// Where `hostile-nested` and the exception handler load from: mapped, without memory.
  var nestedFaultAddress: UInt64 { 0x1F_FFFF_F000 }

  /// Faults again, inside the handler, as long as `hostile-nested` wants it.
  func faultAgain(on cpu: Int) {
    guard cpus[cpu].nestedFaultCount.load(ordering: .relaxed) > 0 else { return }
    cpus[cpu].nestedFaultCount.wrappingSubtract(1, ordering: .relaxed)
    _ = Access.load(8, nestedFaultAddress)
  }
}
