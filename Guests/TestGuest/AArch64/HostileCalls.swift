import CGuestAArch64
import DeviceTree
import GuestKit
import Synchronization

/// Ways to call: SMCCC has immediate 0; other immediates are nobody's.
private struct Conduit: Sendable {
  let name: StaticString
  let call: @Sendable (UInt64) -> UInt64
}

private let conduits: [Conduit] = [
  Conduit(name: "HVC") { guest_hvc($0, ~0, ~0, ~0).x0 },
  Conduit(name: "SMC") { guest_smc($0, ~0, ~0, ~0).x0 },
  Conduit(name: "HVC #0x4a50") { guest_hvc_odd($0, ~0, ~0, ~0).x0 },
  Conduit(name: "SMC #0x4a50") { guest_smc_odd($0, ~0, ~0, ~0).x0 },
]

/// `hostile-calls`: function numbers that nobody has, in every owner's range (Arm SMCCC, DEN0028, 2.5 and 6), by HVC and
/// by SMC. The answer is "not supported" (-1) or an undefined instruction.
func runHostileCalls(_ verdict: inout Verdict) {
  for conduit in conduits {
    var tally = Tally()
    // Fast and yielding, 32 and 64 bits, every owner; the first and last numbers of a range.
    for kind in [0x0000_0000, 0x4000_0000, 0x8000_0000, 0xC000_0000] as [UInt64] {
      for owner in 0..<64 as Range<UInt64> {
        for number in [0x0F00, 0x7FFF, 0xFEFF, 0xFFFF] as [UInt64] {
          let function = kind | owner << 24 | number
          tally.count(probeCall(conduit, function, &verdict))
        }
      }
    }
    // What is no function number at all: the upper half of X0, and small and large values.
    for function in [0, 1, 0x1234, 0x7FFF_FFFF, ~0, 1 << 63, 0xDEAD_BEEF_0000_0001] as [UInt64] {
      tally.count(probeCall(conduit, function, &verdict))
    }
    tally.say(conduit.name)
  }
}

private func probeCall(_ conduit: Conduit, _ function: UInt64, _ verdict: inout Verdict) -> Answer {
  let answer = verdict.probeSilently(conduit.name, function, allowed: [.value, .undefined]) { conduit.call(function) }
  if case .value(let value) = answer {
    verdict.checkSilently(Int32(truncatingIfNeeded: value) == PSCI.notSupported) { line in
      line.probe(conduit.name, function, answer)
    }
  }
  return answer
}

/// `hostile-psci`: PSCI with wild CPU ids, entry points, levels and states (DEN0022, chapter 5).
func runHostilePSCI(_ verdict: inout Verdict) {
  let entry = machine.physicalAddress(ofVirtual: UInt(guest_secondary_address()))
  verdict.checkCode("CPU_ON of itself", PSCI.call(PSCI.cpuOn, machine.affinities[0], entry, 0), [PSCI.alreadyOn])
  let missing: [UInt64] = [
    0x40_4040, ~0, 1 << 24, 1 << 31, 0x80 << 32, 1 << 40, 1 << 63, UInt64(machine.cpus.count) + 0xF0,
    machine.affinities[0] | 1 << 30,
  ]
  for id in missing {
    verdict.checkCode("CPU_ON of a missing CPU", PSCI.call(PSCI.cpuOn, id, entry, 0), [PSCI.invalidParameters])
    verdict.checkCode(
      "AFFINITY_INFO of a missing CPU", PSCI.call(PSCI.affinityInfo, id, 0),
      [PSCI.invalidParameters, PSCI.notPresent])
  }
  for level in [1, 2, 3, 4, 0xFF, ~0] as [UInt64] {
    verdict.checkCode(
      "AFFINITY_INFO at a level that is not 0", PSCI.call(PSCI.affinityInfo, machine.affinities[0], level),
      level <= 3 || !machine.isUnderApus
        ? [PSCI.invalidParameters, PSCI.affinityIsOn] : [PSCI.invalidParameters])
  }
  probeSuspend(&verdict)
  probeOtherFunctions(&verdict)
  guard machine.cpus.count > 1 else { return }
  verdict.check(!machine.isOff(cpu: 1) || machine.bringUp(cpu: 1), "CPU 1 is up")
  verdict.checkCode(
    "CPU_ON of a running CPU", PSCI.call(PSCI.cpuOn, machine.affinities[1], entry, 1), [PSCI.alreadyOn])
  checkThatInterruptsWork(&verdict)
  probeEntryPoints(cpu: 1, &verdict)
}

/// A state that nobody has, with a timer that ends what is taken for a standby.
private func probeSuspend(_ verdict: inout Verdict) {
  guest_interrupts_off()
  for state in [0xFFFF_FFFF, 0x0300_0000, 0x0001_FFFF] as [UInt64] {
    machine.setTimer(at: machine.counter)
    verdict.checkCode(
      "CPU_SUSPEND with a wild state", PSCI.call(PSCI.cpuSuspend, state, 3, 0),
      [PSCI.success, PSCI.invalidParameters, PSCI.invalidAddress, PSCI.denied, PSCI.notSupported])
  }
  guest_write_cntv_ctl(0)
  guest_interrupts_on()
}

/// Every other number of PSCI's range, but those that are meant to end something.
private func probeOtherFunctions(_ verdict: inout Verdict) {
  let ending: [UInt64] = [0x01, 0x02, 0x03, 0x08, 0x09, 0x0C, 0x0E, 0x12, 0x15]
  for kind in [0x8400_0000, 0xC400_0000] as [UInt64] {
    for number in 0..<0x20 as Range<UInt64> where !ending.contains(number) {
      verdict.probeSilently("PSCI function", kind | number, allowed: [.value, .undefined]) {
        guest_hvc(kind | number, ~0, ~0, ~0).x0
      }
    }
  }
  // An architectural reset type that is reserved: nothing may happen.
  verdict.probe("SYSTEM_RESET2 with a reserved type", 0x7FFF_FFFF, allowed: [.value, .undefined]) {
    guest_hvc(0xC400_0012, 0x7FFF_FFFF, 0, 0).x0
  }
}

/// Wild entry points. Firmware may accept one; the CPU then goes there and is lost, so that is the last probe.
private func probeEntryPoints(cpu: Int, _ verdict: inout Verdict) {
  machine.cpus[cpu].order.store(Order.stop.rawValue, ordering: .releasing)
  machine.sendInterrupt(.wake, to: cpu)
  verdict.check(machine.wait(milliseconds: 2000) { machine.isOff(cpu: cpu) }, "CPU 1 off")
  let entries: [UInt64] = [
    machine.endOfMemory, machine.platform.uart.address, ~0, 1 << 52, 0, machine.endOfMemory + 2,
    guest_load_address() + 1,
  ]
  for entry in entries {
    let code = PSCI.call(PSCI.cpuOn, machine.affinities[cpu], entry, 0)
    verdict.checkCode(
      "CPU_ON with a wild entry point", code,
      [PSCI.invalidAddress, machine.isUnderApus ? PSCI.invalidAddress : PSCI.success])
    if code == PSCI.success {
      machine.say { $0.text("the entry point was accepted: CPU 1 is lost") }
      return
    }
  }
  verdict.check(machine.bringUp(cpu: cpu), "CPU 1 comes up after all that")
  checkThatInterruptsWork(&verdict)
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
    guard cpu == 0 || PSCI.call(PSCI.affinityInfo, machine.affinities[cpu], 0) == PSCI.affinityIsOn else { continue }
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
