import CGuestRISCV64
import DeviceTree
import GuestKit
import Synchronization

/// The case `bench`: what each row costs in instructions, the loop included. One line a row: `bench <id> <instructions>`,
/// with the remainder where the iterations differ.
///
/// QEMU counts a nanosecond for each instruction, and `time` is told in how many of them it ticks; many iterations take the
/// place of a finer counter (`Documentation/Guests.md`).
struct Benchmark {
  private let iterations: UInt64
  private let warmUp: UInt64 = 16

  init(_ options: Options) {
    iterations = max(1, min(options.number("iterations") ?? 10_000, 1_000_000))
  }

  func run(_ verdict: inout Verdict) {
    let frequency = machine.counterFrequencyHz
    verdict.check(
      frequency > 0 && 1_000_000_000 % max(1, frequency) == 0, "a tick is a whole number of instructions, Hz", frequency
    )
    guest_clear_sstatus(RISCV64Machine.interruptEnable)
    measureCalls()
    measureDevices()
    guest_write_stvec(guest_bench_vectors_address())
    row("ipi_self") { guest_bench_ipi_self($0, machine.harts[0]) }
    guest_write_stvec(guest_vectors_address())
    guest_set_sstatus(RISCV64Machine.interruptEnable)
    if machine.cpus.count > 1 { measureStart(&verdict) }
  }

  // MARK: Rows

  private func measureCalls() {
    let memory = machine.endOfMemory - 0x1000
    row("empty_loop") { guest_bench_empty($0, 0) }
    row("ram_load") { guest_bench_load($0, memory) }
    row("sbi_null") { guest_bench_ecall($0, SBI.base, 0, 0) }
    row("sbi_unknown") { guest_bench_ecall($0, 0x0A00_0000, 0, 0) }
    row("sbi_set_timer") { guest_bench_ecall($0, SBI.timer, 0, ~0) }
    if machine.platform.cpus[0].hasSstc { row("stimecmp_write") { guest_bench_stimecmp($0, ~0) } }
    machine.stopTimer()
  }

  private func measureDevices() {
    let plic = machine.platform.plic.address
    let context = machine.platform.cpus[0].context
    let claim = plic + PLIC.contexts + context * PLIC.contextStride + PLIC.claim
    row("plic_read") { guest_bench_load($0, plic + PLIC.priorities + 4) }
    row("plic_enable_read") { guest_bench_load($0, plic + PLIC.enables + context * PLIC.enableStride) }
    row("plic_claim_none") { guest_bench_load($0, claim) }
    // The line stays up, so each completion brings the next request.
    machine.uart.enableTransmitInterrupt()
    row("plic_claim_complete") { guest_bench_claim_complete($0, claim) }
    machine.uart.disableInterrupts()
    // What was pending is nobody's.
    let rest = machine.plic.claim(in: context)
    if rest != 0 { machine.plic.complete(rest, in: context) }
  }

  /// From the call to the moment when the other CPU has its translation, its vectors and its interrupts.
  private func measureStart(_ verdict: inout Verdict) {
    // The first time also pays for what is only made once.
    verdict.check(machine.bringUp(cpu: 1), "CPU 1 comes up")
    machine.cpus[1].order.store(Order.stop.rawValue, ordering: .releasing)
    machine.sendInterrupt(.wake, to: 1)
    verdict.check(machine.wait(milliseconds: 2000) { machine.isOff(cpu: 1) }, "CPU 1 off")
    let begin = machine.counter
    let isUp = machine.bringUp(cpu: 1)
    verdict.check(isUp, "CPU 1 comes up again")
    if isUp { say("cpu_on", machine.cpus[1].readyTime.load(ordering: .relaxed) &- begin, of: 1) }
  }

  // MARK: Lines

  private func row(_ name: StaticString, _ measure: (UInt64) -> UInt64) {
    _ = measure(warmUp)
    say(name, measure(iterations), of: iterations)
  }

  private func say(_ name: StaticString, _ ticks: UInt64, of count: UInt64) {
    let instructions = ticks * (1_000_000_000 / max(1, machine.counterFrequencyHz))
    machine.say { line in
      line.text("bench ")
      line.text(name)
      line.text(" ")
      line.decimal(instructions / count)
      guard instructions % count != 0 else { return }
      line.text(" remainder ")
      line.decimal(instructions % count)
      line.text(" of ")
      line.decimal(count)
    }
  }
}

extension RISCV64Machine {
  /// The end of the RAM that holds the image: the first address that is none of ours.
  var endOfMemory: UInt64 {
    let load = guest_load_address()
    for range in platform.memory where load >= range.address && load - range.address < range.byteCount {
      return range.address + range.byteCount
    }
    return load
  }
}
