import CGuestAArch64
import DeviceTree
import GuestKit
import Synchronization

/// The case `bench`: what each row costs in ticks of the counter, the loop included. One line a row:
/// `bench <id> <ticks>`, with the remainder where the iterations differ.
///
/// A tick is an instruction where QEMU counts them and the counter runs at 1 GHz (`Documentation/Guests.md`).
struct Benchmark {
  private let iterations: UInt64
  private let warmUp: UInt64 = 16
  /// So long it sleeps first, while its neighbours come to rest.
  private let delayMilliseconds: UInt64

  init(_ options: Options) {
    delayMilliseconds = min(options.number("delay") ?? 0, 60_000)
    iterations = max(1, min(options.number("iterations") ?? 1000, 1_000_000))
  }

  func run(_ verdict: inout Verdict) {
    verdict.check(
      machine.counterFrequencyHz == 1_000_000_000, "a tick is an instruction, Hz", machine.counterFrequencyHz)
    sleepFirst()
    guest_interrupts_off()
    measureLoops()
    guest_write_vbar(guest_bench_vectors_address())
    measureInterrupts()
    guest_write_vbar(guest_vectors_address())
    guest_interrupts_on()
    guard machine.cpus.count > 1 else { return }
    measureStart(&verdict)
    measureIPI(&verdict)
  }

  private func sleepFirst() {
    guard delayMilliseconds > 0 else { return }
    let deadline = machine.counter &+ machine.counterFrequencyHz / 1000 &* delayMilliseconds
    machine.setTimer(at: deadline)
    while machine.counter < deadline { machine.sleep { machine.counter >= deadline } }
  }

  // MARK: Rows

  private func measureLoops() {
    let distributor = machine.platform.distributor.address
    let redistributor = machine.gic.redistributor(of: machine.affinities[0])?.base ?? 0
    let uart = machine.platform.uart.address
    row("empty_loop", 0, guest_bench_empty)
    row("ram_load", machine.endOfMemory - 0x1000, guest_bench_load)
    row("hvc_null", PSCI.version, guest_bench_hvc)
    row("smccc_unknown", 0x8400_7FFF, guest_bench_hvc)
    row("gicd_typer_read", distributor + 0x004, guest_bench_load)
    row("gicd_isenabler_read", distributor + 0x104, guest_bench_load)
    row("gicd_isenabler_write", distributor + 0x104, guest_bench_store)
    row("gicr_typer_read", redistributor + 0x008, guest_bench_load)
    row("uart_fr_read", uart + 0x018, guest_bench_load)
    row("icc_pmr_write", 0xFF, guest_bench_pmr)
    row("cntv_write", ~0, guest_bench_timer_write)
    row("sgi_none", 0, guest_bench_sgi)
  }

  private func measureInterrupts() {
    row("timer_busy", 20_000, guest_bench_timer_busy)
    // Further ahead: Xen lets no timer of its own end sooner than 50 µs from now.
    row("timer_wfi", 100_000, guest_bench_timer_wfi)
    row("sgi_self", sgiToSelf, guest_bench_sgi_self)
  }

  /// From the call to the moment when the other CPU has its translation, its vectors and its interrupts.
  private func measureStart(_ verdict: inout Verdict) {
    // The first time also pays for what is only made once.
    verdict.check(machine.bringUp(cpu: 1), "CPU 1 comes up")
    machine.cpus[1].order.store(Order.stop.rawValue, ordering: .releasing)
    machine.sendInterrupt(.wake, to: 1)
    verdict.check(machine.wait(milliseconds: 2000) { machine.isOff(cpu: 1) }, "CPU 1 off")
    let begin = machine.counter
    verdict.check(machine.bringUp(cpu: 1), "CPU 1 comes up again")
    say("cpu_on_entry", machine.cpus[1].entryTime.load(ordering: .relaxed) &- begin, of: 1)
    say("cpu_on", machine.cpus[1].readyTime.load(ordering: .relaxed) &- begin, of: 1)
  }

  private func measureIPI(_ verdict: inout Verdict) {
    for round in [warmUp, iterations] {
      BenchmarkMailbox.shared.prepare(iterations: round)
      machine.cpus[1].order.store(Self.receiveOrder, ordering: .releasing)
      machine.sendInterrupt(.wake, to: 1)
      let isReceiving = machine.wait(milliseconds: 2000) { BenchmarkMailbox.shared.isReceiving }
      verdict.check(isReceiving, "CPU 1 waits")
      guard isReceiving else { return }
      guest_interrupts_off()
      let ticks = BenchmarkMailbox.shared.send(iterations: round, GICv3.sgiValue(1, to: machine.affinities[1]))
      guest_interrupts_on()
      verdict.check(
        machine.wait(milliseconds: 2000) { machine.cpus[1].order.load(ordering: .acquiring) == 0 }, "CPU 1 is through")
      if round == iterations { say("ipi", ticks, of: round) }
    }
  }

  // MARK: Lines

  private var sgiToSelf: UInt64 { GICv3.sgiValue(1, to: machine.affinities[0]) }

  private func row(_ name: StaticString, _ operand: UInt64, _ measure: (UInt64, UInt64) -> UInt64) {
    _ = measure(warmUp, operand)
    say(name, measure(iterations, operand), of: iterations)
  }

  private func say(_ name: StaticString, _ ticks: UInt64, of count: UInt64) {
    machine.say { line in
      line.text("bench ")
      line.text(name)
      line.text(" ")
      line.decimal(ticks / count)
      guard ticks % count != 0 else { return }
      line.text(" remainder ")
      line.decimal(ticks % count)
      line.text(" of ")
      line.decimal(count)
    }
  }

  /// The order to CPU 1 to answer interrupts until all iterations are done.
  static let receiveOrder = 100
}

/// What CPU 1 answers in: {number of answers, time of the last}, and how many are to come.
@safe final class BenchmarkMailbox: Sendable {
  static let shared = BenchmarkMailbox()

  private nonisolated(unsafe) let words: UnsafeMutablePointer<UInt64>
  private let iterations = Atomic<UInt64>(0)
  private let isWaiting = Atomic<Bool>(false)

  private init() {
    // SAFETY: two words, initialised here, never freed.
    unsafe words = UnsafeMutablePointer<UInt64>.allocate(capacity: 2)
    // SAFETY: as above.
    unsafe words.initialize(repeating: 0, count: 2)
  }

  func prepare(iterations count: UInt64) {
    // SAFETY: CPU 1 is not receiving yet.
    unsafe words.initialize(repeating: 0, count: 2)
    isWaiting.store(false, ordering: .relaxed)
    iterations.store(count, ordering: .releasing)
  }

  var isReceiving: Bool { isWaiting.load(ordering: .acquiring) }

  func send(iterations: UInt64, _ value: UInt64) -> UInt64 {
    // SAFETY: the other CPU writes only the two words, by release; the loop reads them by acquire.
    unsafe guest_bench_ipi_send(iterations, value, words)
  }

  /// On CPU 1: with the measuring vectors, until all interrupts are answered.
  func receive() {
    guest_interrupts_off()
    guest_write_vbar(guest_bench_vectors_address())
    isWaiting.store(true, ordering: .releasing)
    // SAFETY: only this CPU writes the two words while CPU 0 waits for them.
    unsafe guest_bench_ipi_receive(iterations.load(ordering: .acquiring), words)
    guest_write_vbar(guest_vectors_address())
    guest_interrupts_on()
  }
}
