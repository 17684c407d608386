import CGuestRISCV64
import DeviceTree
import GuestKit
import Synchronization

/// The guest's machine: harts, interrupt controller, console and timers as the device tree names them.
final class RISCV64Machine: GuestMachine {
  let platform: Platform
  let cpus: CPUTable
  let plic: PLIC
  let uart: NS16550
  private let receiveInterruptCount = Atomic<Int>(0)
  /// What a software interrupt is about: bit 2·n + i, `GuestInterrupt` i for CPU n.
  private let sentInterrupts = Atomic<UInt64>(0)

  /// By CPU.
  let harts: [UInt64]

  init() {
    let boot = guest_boot_hart()
    guard let platform = Platform(treeAddress: guest_device_tree(), bootHart: boot) else {
      fatalError("no device tree")
    }
    guard let first = platform.cpus.first, first.hart == boot else { fatalError("the boot hart is not in the tree") }
    self.platform = platform
    harts = platform.cpus.map { $0.hart }
    runtimeConsole.store(platform.uart.address, ordering: .relaxed)
    cpus = CPUTable(count: platform.cpus.count)
    plic = PLIC(registers: MMIO(base: platform.plic.address))
    uart = NS16550(registers: MMIO(base: platform.uart.address))
    cpus[0].hardwareID.store(boot, ordering: .relaxed)
  }

  /// Once, on the boot CPU: console, interrupts.
  func prepare() {
    uart.prepare()
    plic.enable(platform.uartInterrupt, in: platform.cpus[0].context)
    prepareCPU()
  }

  /// On each CPU: no timer is set, software, timer and external interrupts are on.
  func prepareCPU() {
    plic.prepare(context: platform.cpus[currentCPU].context)
    stopTimer()
    guest_write_sie(Interrupt.software.bit | Interrupt.timer.bit | Interrupt.external.bit)
    guest_set_sstatus(Self.interruptEnable)
  }

  /// sstatus.SIE.
  static let interruptEnable: UInt64 = 1 << 1

  /// Sets one entry of 1 GiB of the identity map.
  func setIdentityBlock(_ index: UInt64, _ entry: UInt64) {
    precondition(index < 256, "no such block")
    // SAFETY: the lower half of the table has 256 entries, compared above; only this guest's own map is at stake.
    unsafe guest_root_table_entries()[Int(index)] = entry
  }

  func identityBlock(_ index: UInt64) -> UInt64 {
    precondition(index < 256, "no such block")
    // SAFETY: the lower half of the table has 256 entries, compared above.
    return unsafe guest_root_table_entries()[Int(index)]
  }

  // MARK: Console

  func write(_ byte: UInt8) { uart.write(byte) }

  func read(until deadline: UInt64) -> UInt8? {
    while counter < deadline {
      if let byte = uart.read() { return byte }
      let before = receiveInterruptCount.load(ordering: .relaxed)
      uart.enableReceiveInterrupt()
      setTimer(at: deadline)
      sleep { self.receiveInterruptCount.load(ordering: .relaxed) != before }
    }
    return nil
  }

  // MARK: Time

  var counter: UInt64 { guest_read_time() }
  var counterFrequencyHz: UInt64 { platform.timebaseFrequencyHz }

  var wallClockSeconds: UInt64? {
    guard let clock = platform.clock else { return nil }
    // The lower half first: it keeps the upper.
    let low = UInt64(MMIO(base: clock.address).read32(0))
    return (UInt64(MMIO(base: clock.address).read32(4)) << 32 | low) / 1_000_000_000
  }

  func setTimer(at deadline: UInt64) {
    cpus[currentCPU].timerDeadline.store(deadline, ordering: .relaxed)
    raiseTimer(at: deadline)
  }

  private func raiseTimer(at deadline: UInt64) {
    if platform.cpus[currentCPU].hasSstc {
      guest_write_stimecmp(deadline)
    } else {
      _ = SBI.call(SBI.timer, 0, deadline)
    }
  }

  func stopTimer() { setTimer(at: .max) }

  // MARK: CPUs and interrupts

  var currentCPU: Int { Int(truncatingIfNeeded: guest_cpu_index()) }

  func start(cpu: Int) -> Bool {
    let entry = physicalAddress(ofVirtual: UInt(guest_secondary_address()))
    // A CPU that just went off may still be on its way.
    return wait(milliseconds: 1000) {
      SBI.call(SBI.hartState, 0, self.harts[cpu], entry, UInt64(cpu)).error == SBI.success
    }
  }

  func isOff(cpu: Int) -> Bool { SBI.state(ofHart: harts[cpu]) == SBI.isStopped }

  func stopCurrentCPU() {
    guest_clear_sstatus(Self.interruptEnable)
    _ = SBI.call(SBI.hartState, 1)
    guest_set_sstatus(Self.interruptEnable)
  }

  func sendInterrupt(_ interrupt: GuestInterrupt, to cpu: Int) {
    _ = sentInterrupts.bitwiseOr(1 << UInt64(cpu * 2 + interrupt.rawValue), ordering: .releasing)
    _ = SBI.call(SBI.ipi, 0, 1, harts[cpu])
  }

  func sleep(unless condition: () -> Bool) {
    guest_clear_sstatus(Self.interruptEnable)
    // A pending interrupt ends WFI even while SIE is clear, so none is slept through.
    if !condition() {
      guest_fence()
      guest_wfi()
    }
    guest_set_sstatus(Self.interruptEnable)
  }

  /// QEMU gives no other hart a turn for PAUSE, but for WFI: a tick is waited out with interrupts masked, and the timer
  /// is as it was.
  func pause() {
    let wasEnabled = guest_read_sstatus() & Self.interruptEnable
    guest_clear_sstatus(Self.interruptEnable)
    let deadline = cpus[currentCPU].timerDeadline.load(ordering: .relaxed)
    raiseTimer(at: min(deadline, counter &+ Self.pauseTicks))
    guest_wfi()
    raiseTimer(at: deadline)
    guest_set_sstatus(wasEnabled)
  }

  private static let pauseTicks: UInt64 = 10

  func powerOff() -> Never {
    _ = SBI.call(SBI.systemReset, 0, 0, 0)
    _ = SBI.call(SBI.legacyShutdown, 0)
    while true { guest_wfi() }
  }

  func physicalAddress(ofVirtual address: UInt) -> UInt64 {
    UInt64(address) &- guest_link_address() &+ guest_load_address()
  }

  func carryOut(_ order: Int) {}

  /// Whether the UART's interrupt still comes by way of the PLIC.
  func externalInterruptComes() -> Bool {
    let before = receiveInterruptCount.load(ordering: .relaxed)
    uart.enableTransmitInterrupt()
    return wait(milliseconds: 2000) { self.receiveInterruptCount.load(ordering: .relaxed) != before }
  }

  // MARK: Interrupts taken

  /// Takes one interrupt; called by the vectors with interrupts masked.
  func take(_ interrupt: Interrupt) {
    let me = currentCPU
    switch interrupt {
    case .software: takeSoftwareInterrupt(on: me)
    case .timer:
      cpus[me].timerInterruptTime.store(counter, ordering: .relaxed)
      stopTimer()
      cpus[me].timerInterruptCount.wrappingAdd(1, ordering: .relaxed)
    case .external: takeExternalInterrupt(on: me)
    }
  }

  private func takeSoftwareInterrupt(on me: Int) {
    // First the bit, then what was sent: what comes in between is another interrupt.
    guest_clear_sip(Interrupt.software.bit)
    let mine: UInt64 = 3 << UInt64(me * 2)
    let sent = sentInterrupts.bitwiseAnd(~mine, ordering: .acquiring).oldValue & mine
    if sent & 1 << UInt64(me * 2 + GuestInterrupt.test.rawValue) != 0 {
      cpus[me].testInterruptCount.wrappingAdd(1, ordering: .relaxed)
    }
  }

  private func takeExternalInterrupt(on me: Int) {
    let context = platform.cpus[me].context
    let source = plic.claim(in: context)
    switch source {
    case 0: cpus[me].strayInterruptCount.wrappingAdd(1, ordering: .relaxed)
    case platform.uartInterrupt:
      uart.disableInterrupts()
      receiveInterruptCount.wrappingAdd(1, ordering: .relaxed)
    default: cpus[me].strayInterruptCount.wrappingAdd(1, ordering: .relaxed)
    }
    if source != 0 { plic.complete(source, in: context) }
  }
}
