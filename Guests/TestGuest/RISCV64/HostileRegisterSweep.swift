import CGuestRISCV64
import GuestKit

/// `hostile-csrs`: reads every control and status register, writes back what it read, and sets wild bits in those of
/// S mode that decide nothing about the guest's own footing.
func runHostileRegisters(_ verdict: inout Verdict) {
  var reads = Tally()
  var writes = Tally()
  for number in 0..<0x1000 as Range<UInt64> {
    let answer = verdict.probeSilently("read of CSR", number, allowed: [.value, .illegalInstruction]) {
      runMade(readOf: number)
    }
    reads.count(answer)
    guard case .value(let value) = answer, !isLeftAlone(number) else { continue }
    writes.count(
      verdict.probeSilently("write of CSR", number, allowed: [.value, .illegalInstruction]) {
        runMade(writeOf: number, value)
      })
  }
  reads.say("reads of CSRs")
  writes.say("writes of what was read")
  for number in wild {
    for value in [~0, 0, 0xAAAA_AAAA_AAAA_AAAA] as [UInt64] {
      guard case .value(let before) = machine.attempt({ runMade(readOf: number) }) else { continue }
      verdict.probeSilently("wild write of CSR", number, allowed: [.value, .illegalInstruction]) {
        runMade(writeOf: number, value)
      }
      _ = machine.attempt { runMade(writeOf: number, before) }
    }
  }
  machine.stopTimer()
  checkThatInterruptsWork(&verdict)
}

/// scounteren, senvcfg, sscratch, sepc, scause, stval, scontext, and of a hypervisor: hstatus, hedeleg, hideleg, hgatp,
/// hvip, henvcfg, htimedelta, vsatp, vsstatus.
private let wild: [UInt64] = [
  0x106, 0x10A, 0x140, 0x141, 0x142, 0x143, 0x5A8, 0x600, 0x602, 0x603, 0x680, 0x645, 0x60A, 0x605, 0x280, 0x200,
]

/// Where a write back could be late: pending bits and the timer change by themselves.
private func isLeftAlone(_ number: UInt64) -> Bool { number == 0x144 || number == 0x14D }

/// Runs `csrr a0, number`.
private func runMade(readOf number: UInt64) -> UInt64 {
  make(UInt32(number) << 20 | 0x2573)
  return guest_probe_call(codeAddress, 0)
}

/// Runs `csrw number, a0` with `value` in a0.
private func runMade(writeOf number: UInt64, _ value: UInt64) -> UInt64 {
  make(UInt32(number) << 20 | 0x51073)
  return guest_probe_call(codeAddress, value)
}

/// Puts an instruction and a return where it can run.
private func make(_ instruction: UInt32) {
  // SAFETY: four words that nothing else uses; only CPU 0 makes instructions.
  unsafe guest_code_words()[0] = instruction
  // SAFETY: as above. RET.
  unsafe guest_code_words()[1] = 0x0000_8067
  guest_fence_i()
}

private var codeAddress: UInt64 {
  // SAFETY: only the address is taken.
  UInt64(UInt(bitPattern: unsafe guest_code_words()))
}
