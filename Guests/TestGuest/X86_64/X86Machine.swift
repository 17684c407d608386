import CGuestX86_64
import GuestKit
import Synchronization

/// The guest's machine: CPUs, APICs, console and timers of a PC.
final class X86Machine: GuestMachine {
  let platform: Platform
  let cpus: CPUTable
  private let ioAPIC: IOAPIC
  private let receiveInterruptCount = Atomic<Int>(0)
  private let counterHz: UInt64
  /// A bit for each CPU that has switched itself off.
  private let offCPUs = Atomic<UInt64>(0)

  private static let serialInput: UInt32 = 4

  init() {
    platform = Platform(parameters: guest_parameters())
    guard !platform.apicIDs.isEmpty else { fatalError("no local APIC in the tables") }
    cpus = CPUTable(count: platform.apicIDs.count)
    ioAPIC = IOAPIC(address: platform.ioAPIC)
    // The hypervisor says how fast the TSC is, in kHz.
    counterHz = guest_cpuid(0x4000_0010, 0).rax * 1000
    cpus[0].hardwareID.store(platform.apicIDs[0], ordering: .relaxed)
  }

  /// Once, on the boot CPU: console, interrupts.
  func prepare() {
    SerialPort.prepare()
    prepareAPIC()
    ioAPIC.enable(Self.serialInput, vector: LocalAPIC.serialVector, to: platform.apicIDs[0])
    guest_interrupts_on()
  }

  func prepareAPIC() { LocalAPIC.prepare() }

  // MARK: Console

  func write(_ byte: UInt8) { SerialPort.write(byte) }

  func read(until deadline: UInt64) -> UInt8? {
    while counter < deadline {
      if let byte = SerialPort.read() { return byte }
      let before = receiveInterruptCount.load(ordering: .relaxed)
      SerialPort.enableReceiveInterrupt()
      setTimer(at: deadline)
      sleep { self.receiveInterruptCount.load(ordering: .relaxed) != before }
    }
    return nil
  }

  // MARK: Time

  var counter: UInt64 { guest_rdtsc() }
  var counterFrequencyHz: UInt64 { counterHz }
  var wallClockSeconds: UInt64? { nil }

  func setTimer(at deadline: UInt64) { LocalAPIC.setTimer(at: deadline) }

  // MARK: Memory

  /// One word in 64 bytes of all RAM but the first MiB, the image and the loader's tables.
  func testMemory() -> (byteCount: UInt64, wrongWordCount: UInt64) {
    var byteCount: UInt64 = 0
    var wrong: UInt64 = 0
    forEachFreeRange { start, end in
      byteCount += end - start
      for address in stride(from: start, to: end, by: 64) { Self.write(address, Self.pattern(address)) }
    }
    forEachFreeRange { start, end in
      for address in stride(from: start, to: end, by: 64) where Self.read(address) != Self.pattern(address) {
        wrong += 1
      }
    }
    return (byteCount, wrong)
  }

  private static func pattern(_ address: UInt64) -> UInt64 { address &* 0x9E37_79B9_7F4A_7C15 }

  private static func read(_ address: UInt64) -> UInt64 {
    // SAFETY: RAM that nothing else uses, below 4 GiB and so mapped.
    unsafe guest_read64(UnsafeRawPointer(bitPattern: UInt(address)))
  }

  private static func write(_ address: UInt64, _ value: UInt64) {
    // SAFETY: as above.
    unsafe guest_write64(UnsafeMutableRawPointer(bitPattern: UInt(address)), value)
  }

  private func forEachFreeRange(_ body: (UInt64, UInt64) -> Void) {
    let image = (guest_load_address(), guest_end_address())
    let tables = (platform.tables.address, platform.tables.address + platform.tables.byteCount)
    let (first, second) = image.0 < tables.0 ? (image, tables) : (tables, image)
    for range in platform.memory where range.address >= 1 << 20 {
      let end = min(range.address + range.byteCount, 1 << 32)
      var start = range.address
      for used in [first, second] where used.1 > start && used.0 < end {
        if used.0 > start { body(start, used.0 & ~63) }
        start = (used.1 + 63) & ~63
      }
      if start < end { body(start, end) }
    }
  }

  // MARK: CPUs and interrupts

  var currentCPU: Int {
    let id = LocalAPIC.identifier
    return platform.apicIDs.firstIndex { $0 == id } ?? 0
  }

  func start(cpu: Int) -> Bool {
    writeStartPage(cpu)
    offCPUs.bitwiseAnd(~(1 << UInt64(cpu)), ordering: .sequentiallyConsistent)
    LocalAPIC.initialise(platform.apicIDs[cpu])
    LocalAPIC.start(platform.apicIDs[cpu], page: UInt64(GUEST_START_PAGE) >> 12)
    return true
  }

  /// The code in real mode, and behind it what it needs: page tables and the CPU's index.
  private func writeStartPage(_ cpu: Int) {
    let page = UInt64(GUEST_START_PAGE)
    for offset in stride(from: 0, to: guest_start_code_end() - guest_start_code(), by: 8) {
      Self.write(page + offset, Self.read(guest_start_code() + offset))
    }
    Self.write(page + 0xFF0, platform.tables.address + 0x3000)
    Self.write(page + 0xFF8, UInt64(cpu))
  }

  func isOff(cpu: Int) -> Bool { offCPUs.load(ordering: .sequentiallyConsistent) & 1 << UInt64(cpu) != 0 }

  /// A PC's CPU goes off by halting for good; INIT gets it back.
  func stopCurrentCPU() {
    guest_interrupts_off()
    offCPUs.bitwiseOr(1 << UInt64(currentCPU), ordering: .sequentiallyConsistent)
    while true { guest_halt() }
  }

  func sendInterrupt(_ interrupt: GuestInterrupt, to cpu: Int) {
    LocalAPIC.send(LocalAPIC.firstGuestVector + UInt64(interrupt.rawValue), to: platform.apicIDs[cpu])
  }

  func sleep(unless condition: () -> Bool) {
    guest_interrupts_off()
    if condition() { guest_interrupts_on() } else { guest_interrupts_on_and_halt() }
  }

  func pause() { guest_pause() }

  func powerOff() -> Never {
    // PM1a_CNT: sleep type 5, sleep enable.
    guest_out16(0x604, 5 << 10 | 1 << 13)
    while true { guest_halt() }
  }

  /// Takes one interrupt; called by the vectors with interrupts masked.
  func takeInterrupt(_ vector: UInt64) {
    guard vector != LocalAPIC.spuriousVector else { return }
    let me = currentCPU
    switch vector {
    case LocalAPIC.firstGuestVector + UInt64(GuestInterrupt.wake.rawValue): break
    case LocalAPIC.firstGuestVector + UInt64(GuestInterrupt.test.rawValue):
      cpus[me].testInterruptCount.wrappingAdd(1, ordering: .relaxed)
    case LocalAPIC.timerVector:
      cpus[me].timerInterruptTime.store(counter, ordering: .relaxed)
      cpus[me].timerInterruptCount.wrappingAdd(1, ordering: .relaxed)
    case LocalAPIC.serialVector:
      SerialPort.disableReceiveInterrupt()
      receiveInterruptCount.wrappingAdd(1, ordering: .relaxed)
    default: cpus[me].strayInterruptCount.wrappingAdd(1, ordering: .relaxed)
    }
    LocalAPIC.endInterrupt()
  }

  // MARK: Firmware and hypervisor

  func checkFirmware(_ verdict: inout Verdict) {
    let basic = guest_cpuid(1, 0)
    verdict.check(basic.rcx & 1 << 31 != 0, "CPUID says that there is a hypervisor")
    verdict.check(basic.rcx & (1 << 21) != 0 && basic.rcx & (1 << 24) != 0, "CPUID: x2APIC and TSC deadline")
    verdict.check(basic.rcx & (1 << 26 | 1 << 13) == 0, "CPUID: neither XSAVE nor CMPXCHG16B")
    verdict.check(guest_cpuid(0x8000_0001, 0).rcx & 1 << 2 == 0, "CPUID: no SVM")
    verdict.check(guest_cpuid(0x4000_0000, 0).rbx == 0x7375_7041, "CPUID: the hypervisor is Apus")
    verdict.check(ioAPIC.inputCount == 24, "inputs of the I/O APIC", UInt64(ioAPIC.inputCount))
  }

  /// By VMMCALL: number in RAX, arguments in RBX and RCX.
  func call(_ function: Hypercall, _ first: UInt64, _ second: UInt64) -> HypercallAnswer? {
    let result = guest_vmmcall(Self.number(of: function), first, second)
    return HypercallAnswer(result.rax, result.rbx, result.rcx, result.rdx)
  }

  private static func number(of function: Hypercall) -> UInt64 {
    switch function {
    case .uid: 0x8600_FF01
    case .version: 0xC600_0000
    case .features: 0xC600_0001
    case .write: 0xC600_0002
    case .yield: 0xC600_0003
    case .stop: 0xC600_0004
    case .unknown: 0xC600_0FFF
    }
  }

  func physicalAddress(ofVirtual address: UInt) -> UInt64 { UInt64(address) }

  func carryOut(_ order: Int) {}
}
