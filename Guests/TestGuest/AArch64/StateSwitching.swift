import CGuestAArch64
import GuestKit
import Synchronization

/// A register that only this vCPU may see.
private struct Register: Sendable {
  let name: StaticString
  /// A key of pointer authentication, which not every CPU has.
  var isKey = false
  /// Bits that hold what is written, whatever they mean.
  let mask: UInt64
  let read: @convention(c) @Sendable () -> UInt64
  let write: @convention(c) @Sendable (UInt64) -> Void
}

private let registers: [Register] = [
  Register(name: "TPIDR_EL0", mask: ~0, read: guest_read_tpidr_el0, write: guest_write_tpidr_el0),
  Register(name: "TPIDRRO_EL0", mask: ~0, read: guest_read_tpidrro, write: guest_write_tpidrro),
  Register(name: "CONTEXTIDR_EL1", mask: 0xFFFF_FFFF, read: guest_read_contextidr, write: guest_write_contextidr),
  Register(name: "PAR_EL1", mask: 0xF_FFFF_F000, read: guest_read_par, write: guest_write_par),
  Register(name: "ELR_EL1", mask: ~0, read: guest_read_elr, write: guest_write_elr),
  Register(name: "SPSR_EL1", mask: 0xF000_0000, read: guest_read_spsr, write: guest_write_spsr),
  Register(name: "ESR_EL1", mask: 0xFFFF_FFFF, read: guest_read_esr, write: guest_write_esr),
  Register(name: "FAR_EL1", mask: ~0, read: guest_read_far, write: guest_write_far),
  Register(name: "SP_EL0", mask: ~0xF, read: guest_read_sp_el0, write: guest_write_sp_el0),
  Register(name: "CNTKCTL_EL1", mask: 0b11, read: guest_read_cntkctl, write: guest_write_cntkctl),
  Register(name: "CNTV_CVAL_EL0", mask: ~0, read: guest_read_cntv_cval, write: guest_write_cntv_cval),
  Register(name: "CNTP_CVAL_EL0", mask: ~0, read: guest_read_cntp_cval, write: guest_write_cntp_cval),
  Register(name: "ICC_PMR_EL1", mask: 0xF0, read: guest_read_icc_pmr, write: guest_write_icc_pmr),
  Register(name: "DBGBVR0_EL1", mask: 0xFFFF_FFFF_FFFC, read: guest_read_dbgbvr0, write: guest_write_dbgbvr0),
  Register(name: "DBGBVR1_EL1", mask: 0xFFFF_FFFF_FFFC, read: guest_read_dbgbvr1, write: guest_write_dbgbvr1),
  Register(name: "DBGWVR0_EL1", mask: 0xFFFF_FFFF_FFFC, read: guest_read_dbgwvr0, write: guest_write_dbgwvr0),
  Register(name: "DBGWVR1_EL1", mask: 0xFFFF_FFFF_FFFC, read: guest_read_dbgwvr1, write: guest_write_dbgwvr1),
  Register(name: "APIAKeyLo_EL1", isKey: true, mask: ~0, read: guest_read_apiakeylo, write: guest_write_apiakeylo),
  Register(name: "APGAKeyHi_EL1", isKey: true, mask: ~0, read: guest_read_apgakeyhi, write: guest_write_apgakeyhi),
]

/// The case `state`: two CPUs fill all registers with values of their own and compare them when the other has had its turn
/// several times. It proves something where they share a physical CPU, with each other or with another VM's.
func runState(_ options: Options, _ verdict: inout Verdict) {
  let rounds = min(options.number("rounds") ?? 10, 1000)
  guard machine.cpus.count > 1 else { return verdict.check(false, "two CPUs") }
  verdict.check(machine.bringUp(cpu: 1), "CPU 1 comes up")
  StateHolder.seed.store(options.number("seed") ?? 1, ordering: .relaxed)
  StateHolder.prepare()
  machine.cpus[1].order.store(StateHolder.order, ordering: .releasing)
  machine.sendInterrupt(.wake, to: 1)
  for round in 0..<rounds { StateHolder.hold(round, on: 0) }
  StateHolder.isOver.store(true, ordering: .relaxed)
  verdict.check(
    machine.wait(milliseconds: 10_000) { machine.cpus[1].order.load(ordering: .acquiring) == 0 }, "CPU 1 is through")
  let turns = StateHolder.turns.load(ordering: .relaxed)
  verdict.check(turns >= rounds * StateHolder.turnsPerRound, "turns of the other CPU", turns)
  verdict.check(StateHolder.wrong.load(ordering: .relaxed) == 0) { line in
    line.text("registers that changed: ")
    line.decimal(StateHolder.wrong.load(ordering: .relaxed))
    let index = StateHolder.firstWrong.load(ordering: .relaxed)
    guard index >= 0 else { return }
    line.text(", the first ")
    line.text(index < registers.count ? registers[index].name : "of FP and SIMD")
  }
}

/// What one CPU does in the case `state`, and what the two tell each other.
enum StateHolder {
  /// The order to CPU 1 to hold its state until `isOver`.
  static let order = 101
  static let turnsPerRound: UInt64 = 3

  static let seed = Atomic<UInt64>(0)
  static let isOver = Atomic<Bool>(false)
  /// Registers that were not as they had been left, and which was the first.
  static let wrong = Atomic<Int>(0)
  static let firstWrong = Atomic<Int>(-1)
  /// How often CPU 0 saw that CPU 1 had gone on.
  static let turns = Atomic<UInt64>(0)
  private static let beats0 = Atomic<UInt64>(0)
  private static let beats1 = Atomic<UInt64>(0)
  private static let hasKeys = Atomic<Bool>(false)

  /// Before another CPU looks at what is only made once.
  static func prepare() {
    // ID_AA64ISAR1_EL1: APA and API.
    hasKeys.store(guest_read_id_aa64isar1() & 0xFF0 != 0 && !registers.isEmpty, ordering: .relaxed)
  }

  /// On CPU 1.
  static func holdUntilOver() {
    var round: UInt64 = 0
    while !isOver.load(ordering: .relaxed) {
      hold(round, on: 1)
      round += 1
    }
  }

  /// Fills everything, waits for the other CPU's turns, compares, and puts back what was there.
  static func hold(_ round: UInt64, on cpu: UInt64) {
    let base = (seed.load(ordering: .relaxed) << 32 | round << 1 | cpu) &* 0x9E37_79B9_7F4A_7C15
    var saved = InlineArray<32, UInt64>(repeating: 0)
    guest_interrupts_off()
    for index in registers.indices where isThere(index) {
      saved[index] = registers[index].read()
      registers[index].write(value(base, index))
    }
    guest_fp_fill(base)
    waitForTurns(on: cpu)
    for index in registers.indices where isThere(index) {
      if registers[index].read() & registers[index].mask != value(base, index) { note(index) }
    }
    for _ in 0..<guest_fp_differences(base) { note(registers.count) }
    for index in registers.indices where isThere(index) { registers[index].write(saved[index]) }
    guest_interrupts_on()
  }

  private static func isThere(_ index: Int) -> Bool {
    !registers[index].isKey || hasKeys.load(ordering: .relaxed)
  }

  private static func value(_ base: UInt64, _ index: Int) -> UInt64 {
    (base &+ UInt64(index) &* 0xBF58_476D_1CE4_E5B9) & registers[index].mask
  }

  private static func note(_ index: Int) {
    wrong.wrappingAdd(1, ordering: .relaxed)
    _ = firstWrong.compareExchange(expected: -1, desired: index, ordering: .relaxed)
  }

  private static func waitForTurns(on cpu: UInt64) {
    var last = otherBeats(cpu)
    var seen: UInt64 = 0
    let deadline = machine.counter &+ machine.counterFrequencyHz &* 5
    while seen < turnsPerRound, machine.counter < deadline, cpu == 0 || !isOver.load(ordering: .relaxed) {
      if cpu == 0 { beats0.wrappingAdd(1, ordering: .relaxed) } else { beats1.wrappingAdd(1, ordering: .relaxed) }
      let now = otherBeats(cpu)
      if now != last { seen += 1 }
      last = now
    }
    if cpu == 0 { turns.wrappingAdd(seen, ordering: .relaxed) }
  }

  private static func otherBeats(_ cpu: UInt64) -> UInt64 {
    cpu == 0 ? beats1.load(ordering: .relaxed) : beats0.load(ordering: .relaxed)
  }
}
