import CGuestRISCV64
import DeviceTree
import GuestKit
import Synchronization

/// `hostile-calls`: extensions and functions that nobody has, and those that there are with wild arguments.
func runHostileCalls(_ verdict: inout Verdict) {
  var tally = Tally()
  let extensions: [UInt64] = [
    0x09, 0x0F, 0x11, 0xFF, 0x504D_55FF, 0x0800_0000, 0x0900_0001, 0x09FF_FFFF, 0x0A00_0000, 0x7FFF_FFFF, 0x8000_0000,
    0x1_0000_0010, 1 << 63, ~0,
  ]
  for id in extensions {
    for function in [0, 1, 2, 0x7FFF_FFFF, 1 << 32, ~0] as [UInt64] {
      tally.count(probeCall(id, function, &verdict))
    }
  }
  for (id, first) in [
    (SBI.base, 7), (SBI.timer, 1), (SBI.ipi, 1), (SBI.remoteFence, 7), (SBI.hartState, 4), (SBI.systemReset, 1),
  ] as [(UInt64, UInt64)] {
    for function in [first, first + 1, 0xFFFF, 1 << 32, ~0] { tally.count(probeCall(id, function, &verdict)) }
  }
  tally.say("calls that nobody has")
  probeHartMasks(&verdict)
  probeConsole(&verdict)
  probeReset(&verdict)
  checkThatInterruptsWork(&verdict)
}

private func probeCall(_ extension: UInt64, _ function: UInt64, _ verdict: inout Verdict) -> Answer {
  let answer = verdict.probeSilently("SBI call", `extension`, allowed: [.value]) {
    UInt64(bitPattern: SBI.call(`extension`, function, ~0, ~0, ~0, ~0, ~0).error)
  }
  if case .value(let value) = answer {
    verdict.checkSilently(Int64(bitPattern: value) == SBI.notSupported) { $0.probe("SBI call", `extension`, answer) }
  }
  return answer
}

/// Harts that are not there, among those that are or alone; ranges that wrap.
private func probeHartMasks(_ verdict: inout Verdict) {
  let masks: [(UInt64, UInt64)] = [
    (1, 64), (1, 0x4040), (~0, 1 << 40), (1, 1 << 63), (1, ~1), (1 << 63, 0xFFFF_FFFF), (~0, 1 << 62),
  ]
  for (mask, base) in masks {
    verdict.checkCode("IPI to a missing hart", SBI.call(SBI.ipi, 0, mask, base).error, [SBI.invalidParameter])
    for function in 0..<3 as Range<UInt64> {
      verdict.checkCode(
        "fence on a missing hart", SBI.call(SBI.remoteFence, function, mask, base, 0, ~0, ~0).error,
        [SBI.invalidParameter])
    }
  }
  for (start, byteCount) in [(0, 0), (~0, ~0), (~4095, 8192), (1, ~1), (0x1000, 1 << 62), (1 << 63, 1 << 63)]
    as [(UInt64, UInt64)]
  {
    for function in 1..<3 as Range<UInt64> {
      verdict.checkCode(
        "fence of a wild range",
        SBI.call(SBI.remoteFence, function, 0, ~0, start, byteCount, ~0).error,
        [SBI.success, SBI.invalidParameter, SBI.invalidAddress])
    }
  }
}

/// The debug console with addresses outside of RAM, across its end, and sizes beyond any.
private func probeConsole(_ verdict: inout Verdict) {
  guard SBI.probe(SBI.debugConsole) else { return }
  let end = machine.endOfMemory
  let ranges: [(UInt64, UInt64, UInt64)] = [
    (16, end, 0), (16, end - 8, 0), (~0, end - 8, 0), (16, machine.platform.uart.address, 0), (16, ~7, 0),
    (16, end - 4096, 1), (~0, 0, ~0), (1 << 32, end - 4096, 0), (16, machine.nestedFaultAddress, 0),
  ]
  for function in 0..<2 as Range<UInt64> {
    for (byteCount, low, high) in ranges {
      verdict.checkCode(
        "debug console with a wild range", SBI.call(SBI.debugConsole, function, byteCount, low, high).error,
        [SBI.invalidParameter, SBI.invalidAddress, SBI.denied, SBI.failed])
    }
    verdict.checkCode(
      "debug console with nothing", SBI.call(SBI.debugConsole, function, 0, end - 4096, 0).error,
      [SBI.success, SBI.invalidParameter])
  }
}

/// Kinds and reasons that are reserved: nothing may happen.
private func probeReset(_ verdict: inout Verdict) {
  for (kind, reason) in [(3, 0), (0xEFFF_FFFF, 0), (0xFFFF_FFFF, 0), (0x7FFF_FFFF, 0x7FFF_FFFF), (0, 0x1234)]
    as [(UInt64, UInt64)]
  where kind != 0 || machine.isUnderApus {
    verdict.checkCode(
      "reset of a reserved kind", SBI.call(SBI.systemReset, 0, kind, reason).error,
      [SBI.invalidParameter, SBI.notSupported])
  }
}

/// `hostile-hsm`: hart states and starts with wild ids, entries and kinds (SBI 2.0, chapter 9).
func runHostileHSM(_ verdict: inout Verdict) {
  let entry = machine.physicalAddress(ofVirtual: UInt(guest_secondary_address()))
  let me = machine.harts[0]
  verdict.checkCode("start of itself", SBI.call(SBI.hartState, 0, me, entry, 0).error, [SBI.alreadyAvailable])
  // Real firmware looks at 32 bits of an identifier only.
  let wide: [UInt64] = machine.isUnderApus ? [1 << 32 | me, 1 << 63] : []
  for id in [64, 0x4040, ~0, 1 << 31, UInt64(machine.cpus.count) + 0x1000] + wide {
    verdict.checkCode("start of a missing hart", SBI.call(SBI.hartState, 0, id, entry, 0).error, [SBI.invalidParameter])
    verdict.checkCode("state of a missing hart", SBI.call(SBI.hartState, 2, id).error, [SBI.invalidParameter])
  }
  probeSuspend(&verdict)
  guard machine.cpus.count > 1 else { return }
  verdict.check(!machine.isOff(cpu: 1) || machine.bringUp(cpu: 1), "CPU 1 is up")
  verdict.checkCode(
    "start of a running hart", SBI.call(SBI.hartState, 0, machine.harts[1], entry, 1).error, [SBI.alreadyAvailable])
  checkThatInterruptsWork(&verdict)
  // Real firmware takes any entry, and the hart is lost.
  guard machine.isUnderApus else { return }
  machine.cpus[1].order.store(Order.stop.rawValue, ordering: .releasing)
  machine.sendInterrupt(.wake, to: 1)
  verdict.check(machine.wait(milliseconds: 2000) { machine.isOff(cpu: 1) }, "CPU 1 off")
  let end = machine.endOfMemory
  for wild in [end, machine.platform.uart.address, ~0, 1 << 52, 0, end + 2, guest_load_address() + 1] as [UInt64] {
    verdict.checkCode(
      "start with a wild entry", SBI.call(SBI.hartState, 0, machine.harts[1], wild, 0).error, [SBI.invalidAddress])
  }
  verdict.check(machine.bringUp(cpu: 1), "CPU 1 comes up after all that")
  checkThatInterruptsWork(&verdict)
}

/// Kinds that nobody has, and a retentive one with a timer that ends it.
private func probeSuspend(_ verdict: inout Verdict) {
  guest_clear_sstatus(RISCV64Machine.interruptEnable)
  for kind in [1, 0x0FFF_FFFF, 0x7FFF_FFFF, 0x8000_0001, 0xFFFF_FFFF] as [UInt64] {
    machine.setTimer(at: machine.counter)
    verdict.checkCode(
      "suspend of a kind that nobody has", SBI.call(SBI.hartState, 3, kind, 3, 0).error,
      [SBI.invalidParameter, SBI.notSupported, SBI.failed])
  }
  machine.setTimer(at: machine.counter)
  verdict.checkCode(
    "suspend that keeps its state", SBI.call(SBI.hartState, 3, 0, 0, 0).error, [SBI.success, SBI.notSupported])
  machine.stopTimer()
  guest_set_sstatus(RISCV64Machine.interruptEnable)
}

extension Verdict {
  /// One line: what was called and its code, which must be one of `allowed`.
  fileprivate mutating func checkCode(_ name: StaticString, _ code: Int64, _ allowed: [Int64]) {
    check(allowed.contains(code)) { line in
      line.text(name)
      line.text(": ")
      line.decimal(Int(code))
    }
  }
}

/// The boot CPU still takes an interrupt from itself and from its timer, as does CPU 1 where it is up.
func checkThatInterruptsWork(_ verdict: inout Verdict) {
  for cpu in 0..<min(machine.cpus.count, 2) {
    guard cpu == 0 || SBI.state(ofHart: machine.harts[cpu]) == SBI.isStarted else { continue }
    let before = machine.cpus[cpu].testInterruptCount.load(ordering: .relaxed)
    machine.sendInterrupt(.test, to: cpu)
    let came = machine.wait(milliseconds: 2000) {
      machine.cpus[cpu].testInterruptCount.load(ordering: .relaxed) > before
    }
    verdict.check(came, "interrupts still work on CPU", UInt64(cpu))
  }
  let before = machine.cpus[0].timerInterruptCount.load(ordering: .relaxed)
  machine.setTimer(at: machine.counter)
  let came = machine.wait(milliseconds: 2000) {
    machine.cpus[0].timerInterruptCount.load(ordering: .relaxed) > before
  }
  verdict.check(came, "the timer still works on CPU", 0)
}
