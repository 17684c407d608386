import CGuestAArch64
import DeviceTree
import GuestKit

/// The case `firmware`: what the standards say of each call, exactly: PSCI 1.1 (DEN0022, chapter 5), SMCCC (DEN0028,
/// chapter 7), TRNG (DEN0098, chapter 2). `end=reset` and `end=reset2` end with that call.
func runFirmware(_ options: Options, _ verdict: inout Verdict) {
  checkPSCI(&verdict)
  checkAffinities(&verdict)
  checkSuspend(&verdict)
  checkSMCCC(&verdict)
  checkRandomNumbers(&verdict)
  guard let end = options.value("end") else { return }
  verdict.conclude()
  _ = end.matches("reset2") ? PSCI.call(PSCI.systemReset2, 0, 0) : PSCI.call(PSCI.systemReset)
  verdict.check(false, "still here after a reset")
}

private func checkPSCI(_ verdict: inout Verdict) {
  verdict.expect(0x1_0001, "PSCI_VERSION", PSCI.call(PSCI.version))
  verdict.expect(0x1_0001, "PSCI_VERSION by SMC", Int64(bitPattern: guest_smc(PSCI.version, 0, 0, 0).x0))
  let present: [UInt64] = [
    PSCI.version, 0x8400_0001, PSCI.cpuSuspend, PSCI.cpuOff, 0x8400_0003, PSCI.cpuOn, 0x8400_0004, PSCI.affinityInfo,
    PSCI.migrateInfoType, PSCI.systemOff, PSCI.systemReset, PSCI.features, 0x8400_0012, PSCI.systemReset2,
    SMCCC.version,
  ]
  for function in present { verdict.expect(0, "PSCI_FEATURES has", PSCI.call(PSCI.features, function), function) }
  // MIGRATE, MIGRATE_INFO_UP_CPU, CPU_FREEZE, CPU_DEFAULT_SUSPEND, NODE_HW_STATE, SYSTEM_SUSPEND, SET_SUSPEND_MODE,
  // STAT_RESIDENCY, STAT_COUNT, MEM_PROTECT, MEM_PROTECT_CHECK_RANGE: all optional (5.1.1).
  for number in [0x05, 0x07, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x13, 0x14] as [UInt64] {
    for function in [0x8400_0000 | number, 0xC400_0000 | number] {
      verdict.expect(-1, "PSCI_FEATURES lacks", PSCI.call(PSCI.features, function), function)
      verdict.expect(-1, "not supported", PSCI.call(function), function)
    }
  }
  // 2: no trusted operating system that would have to migrate (5.9).
  verdict.expect(2, "MIGRATE_INFO_TYPE", PSCI.call(PSCI.migrateInfoType))
  for kind in [1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF] as [UInt64] {
    verdict.expect(-2, "SYSTEM_RESET2 of a kind that is not there", PSCI.call(PSCI.systemReset2, kind, 0), kind)
  }
  verdict.expect(-4, "CPU_ON of itself", PSCI.call(PSCI.cpuOn, machine.affinities[0], 0x4000_0000, 0))
  verdict.expect(-2, "CPU_ON of no CPU", PSCI.call(PSCI.cpuOn, 0x40_4040, guest_load_address(), 0))
}

private func checkAffinities(_ verdict: inout Verdict) {
  let me = machine.affinities[0]
  for level in 0...3 as ClosedRange<UInt64> {
    verdict.expect(0, "AFFINITY_INFO, this CPU is on, level", PSCI.call(PSCI.affinityInfo, me, level), level)
  }
  verdict.expect(-2, "AFFINITY_INFO at no level", PSCI.call(PSCI.affinityInfo, me, 4), 4)
  verdict.expect(-2, "AFFINITY_INFO of no CPU", PSCI.call(PSCI.affinityInfo, 0x40_4040, 0))
  guard machine.cpus.count > 1 else { return }
  verdict.expect(1, "AFFINITY_INFO of a CPU that is off", PSCI.call(PSCI.affinityInfo, machine.affinities[1], 0))
  verdict.expect(-9, "CPU_ON at no memory", PSCI.call(PSCI.cpuOn, machine.affinities[1], machine.endOfMemory, 0))
  verdict.check(machine.bringUp(cpu: 1), "CPU 1 comes up")
  verdict.expect(0, "AFFINITY_INFO of a CPU that is on", PSCI.call(PSCI.affinityInfo, machine.affinities[1], 0))
  verdict.expect(
    -4, "CPU_ON of a CPU that is on", PSCI.call(PSCI.cpuOn, machine.affinities[1], guest_load_address(), 0))
}

/// Both kinds of states return once an interrupt is pending; what is reserved is refused (5.4.2).
private func checkSuspend(_ verdict: inout Verdict) {
  guest_interrupts_off()
  for state in [0, 1, 1 << 16, 1 << 24] as [UInt64] {
    machine.setTimer(at: machine.counter &+ machine.counterFrequencyHz / 1000)
    verdict.expect(0, "CPU_SUSPEND", PSCI.call(PSCI.cpuSuspend, state, guest_load_address(), 0), state)
  }
  guest_write_cntv_ctl(0)
  for state in [1 << 17, 1 << 26, 0xFFFF_FFFF] as [UInt64] {
    verdict.expect(-2, "CPU_SUSPEND with reserved bits", PSCI.call(PSCI.cpuSuspend, state, 0, 0), state)
  }
  guest_interrupts_on()
}

private enum SMCCC {
  static let version: UInt64 = 0x8000_0000
  static let archFeatures: UInt64 = 0x8000_0001
}

private func checkSMCCC(_ verdict: inout Verdict) {
  verdict.expect(0x1_0001, "SMCCC_VERSION", PSCI.call(SMCCC.version))
  for function in [SMCCC.version, SMCCC.archFeatures] {
    verdict.expect(0, "SMCCC_ARCH_FEATURES has", PSCI.call(SMCCC.archFeatures, function), function)
  }
  // SOC_ID and the workarounds.
  for function in [0x8000_0002, 0x8000_8000, 0x8000_7FFF, 0x8000_3FFF] as [UInt64] {
    verdict.expect(-1, "SMCCC_ARCH_FEATURES lacks", PSCI.call(SMCCC.archFeatures, function), function)
  }
}

private enum TRNG {
  static let version: UInt64 = 0x8400_0050
  static let features: UInt64 = 0x8400_0051
  static let uuid: UInt64 = 0x8400_0052
  static let random32: UInt64 = 0x8400_0053
  static let random64: UInt64 = 0xC400_0053
}

private func checkRandomNumbers(_ verdict: inout Verdict) {
  let functions = [TRNG.version, TRNG.features, TRNG.uuid, TRNG.random32, TRNG.random64]
  guard PSCI.call(TRNG.version) != -1 else {
    for function in functions {
      verdict.expect(-1, "TRNG is not there at all", PSCI.call(function, function), function)
    }
    return
  }
  verdict.expect(0x1_0000, "TRNG_VERSION", PSCI.call(TRNG.version))
  for function in functions { verdict.expect(0, "TRNG_FEATURES has", PSCI.call(TRNG.features, function), function) }
  verdict.expect(-1, "TRNG_FEATURES lacks", PSCI.call(TRNG.features, 0x8400_0054))
  verdict.check(guest_hvc(TRNG.uuid, 0, 0, 0).x0 & 0xFFFF_FFFF != 0xFFFF_FFFF, "TRNG_GET_UUID")
  for bits in [0, 193, ~0, 1 << 32 | 8] as [UInt64] {
    verdict.expect(-2, "TRNG_RND64 of too few or too many bits", PSCI.call(TRNG.random64, bits), bits)
  }
  for bits in [0, 97, 192] as [UInt64] {
    verdict.expect(-2, "TRNG_RND32 of too few or too many bits", PSCI.call(TRNG.random32, bits), bits)
  }
  checkRandomBits(&verdict)
}

/// What is asked for comes, from the lowest bit of X3 upwards, and nothing above it.
private func checkRandomBits(_ verdict: inout Verdict) {
  var seen: (UInt64, UInt64, UInt64) = (0, 0, 0)
  var previous: UInt64 = 0
  var isRepeated = false
  for _ in 0..<64 {
    let answer = guest_hvc(TRNG.random64, 192, 0, 0)
    if answer.x0 != 0 || answer.x3 == previous { isRepeated = true }
    previous = answer.x3
    seen = (seen.0 | answer.x1, seen.1 | answer.x2, seen.2 | answer.x3)
  }
  verdict.check(!isRepeated && seen == (~0, ~0, ~0), "TRNG_RND64 of 192 bits: every bit comes")
  let one = guest_hvc(TRNG.random64, 1, 0, 0)
  verdict.check(one.x0 == 0 && one.x1 | one.x2 | one.x3 & ~1 == 0, "TRNG_RND64 of 1 bit")
  let some = guest_hvc(TRNG.random64, 65, 0, 0)
  verdict.check(some.x0 == 0 && some.x1 | some.x2 & ~1 == 0, "TRNG_RND64 of 65 bits")
  let words = guest_hvc(TRNG.random32, 96, 0, 0)
  verdict.check(words.x0 == 0 && (words.x1 | words.x2 | words.x3) >> 32 == 0, "TRNG_RND32 of 96 bits")
}

extension Verdict {
  fileprivate mutating func expect(_ code: Int64, _ name: StaticString, _ seen: Int64, _ subject: UInt64? = nil) {
    check(seen == code) { line in
      line.text(name)
      if let subject {
        line.text(" ")
        line.hex(subject)
      }
      line.text(": ")
      line.decimal(Int(seen))
    }
  }
}
