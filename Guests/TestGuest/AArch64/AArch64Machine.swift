import CGuestAArch64
import DeviceTree
import GuestKit
import Synchronization

/// The guest's machine: CPUs, interrupt controller, console and timers as the device tree names them.
final class AArch64Machine: GuestMachine {
  let platform: Platform
  let cpus: CPUTable
  let gic: GICv3
  private let uart: PL011
  private let receiveInterruptCount = Atomic<Int>(0)

  var affinities: [UInt64] { platform.cpuIDs }

  /// Affinity fields of MPIDR_EL1.
  static let affinityMask: UInt64 = 0xFF_00FF_FFFF

  init() {
    let boot = guest_read_mpidr() & Self.affinityMask
    // An ELF loader gives no tree; QEMU then leaves it at the start of RAM.
    let address = guest_device_tree() != 0 ? guest_device_tree() : 0x4000_0000
    guard let platform = Platform(treeAddress: address, bootCPU: boot) else { fatalError("no device tree") }
    self.platform = platform
    runtimeConsole.store(platform.uart.address, ordering: .relaxed)
    cpus = CPUTable(count: platform.cpuIDs.count)
    gic = GICv3(distributor: MMIO(base: platform.distributor.address), redistributors: platform.redistributors)
    uart = PL011(registers: MMIO(base: platform.uart.address), hasSettings: platform.hasUARTSettings)
    cpus[0].hardwareID.store(boot, ordering: .relaxed)
  }

  /// Once, on the boot CPU: memory attributes, console, interrupts.
  func prepare() {
    mapMemory()
    uart.prepare()
    gic.prepareDistributor()
    guard gic.prepareCPU(affinity: affinities[0]) else { fatalError("no redistributor") }
    gic.enableShared(platform.uartInterrupt, to: affinities[0])
    guest_interrupts_on()
  }

  /// Makes all of RAM normal memory; until now only the GiB that holds the image was.
  private func mapMemory() {
    for range in platform.memory where range.byteCount > 0 {
      let last = min((range.address + range.byteCount - 1) >> 30, 255)
      for block in (range.address >> 30)...max(last, range.address >> 30) where block < 256 {
        setLowerBlock(block, block << 30 | 0x701)
      }
    }
    guest_tlb_invalidate()
  }

  /// Sets one descriptor of 1 GiB of the identity map.
  func setLowerBlock(_ index: UInt64, _ descriptor: UInt64) {
    precondition(index < 512, "no such block")
    // SAFETY: the table has 512 entries, compared above; only this guest's own map is at stake.
    unsafe guest_lower_table_entries()[Int(index)] = descriptor
  }

  func lowerBlock(_ index: UInt64) -> UInt64 {
    precondition(index < 512, "no such block")
    // SAFETY: the table has 512 entries, compared above.
    return unsafe guest_lower_table_entries()[Int(index)]
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

  var counter: UInt64 {
    guest_isb()
    return guest_read_cntvct()
  }

  var counterFrequencyHz: UInt64 { guest_read_cntfrq() & 0xFFFF_FFFF }

  var wallClockSeconds: UInt64? {
    platform.clock.map { UInt64(MMIO(base: $0.address).read32(0)) }
  }

  func setTimer(at deadline: UInt64) {
    guest_write_cntv_cval(deadline)
    guest_write_cntv_ctl(1)
  }

  // MARK: CPUs and interrupts

  var currentCPU: Int { Int(truncatingIfNeeded: guest_read_tpidr()) }

  func start(cpu: Int) -> Bool {
    let entry = physicalAddress(ofVirtual: UInt(guest_secondary_address()))
    // A CPU that just went off may still be on its way.
    return wait(milliseconds: 1000) {
      PSCI.call(PSCI.cpuOn, self.affinities[cpu], entry, UInt64(cpu)) == PSCI.success
    }
  }

  func isOff(cpu: Int) -> Bool { PSCI.call(PSCI.affinityInfo, affinities[cpu], 0) == PSCI.affinityIsOff }

  func stopCurrentCPU() {
    guest_interrupts_off()
    _ = PSCI.call(PSCI.cpuOff)
    guest_interrupts_on()
  }

  func sendInterrupt(_ interrupt: GuestInterrupt, to cpu: Int) {
    GICv3.sendSGI(UInt64(interrupt.rawValue), to: affinities[cpu])
  }

  func sleep(unless condition: () -> Bool) {
    guest_interrupts_off()
    // A pending interrupt ends WFI even while it is masked, so none is slept through.
    if !condition() {
      guest_dsb()
      guest_wfi()
    }
    guest_interrupts_on()
  }

  func pause() { guest_yield() }

  func powerOff() -> Never {
    _ = PSCI.call(PSCI.systemOff)
    while true { guest_wfi() }
  }

  func physicalAddress(ofVirtual address: UInt) -> UInt64 {
    UInt64(address) &- guest_link_address() &+ guest_load_address()
  }

  /// Takes one interrupt; called by the vectors with interrupts masked.
  func takeInterrupt() {
    let interrupt = UInt32(truncatingIfNeeded: guest_read_icc_iar1())
    guard interrupt < GICv3.firstSpecial else { return }
    let me = currentCPU
    switch interrupt {
    case UInt32(GuestInterrupt.wake.rawValue): break
    case UInt32(GuestInterrupt.test.rawValue): cpus[me].testInterruptCount.wrappingAdd(1, ordering: .relaxed)
    case GICv3.virtualTimer:
      cpus[me].timerInterruptTime.store(counter, ordering: .relaxed)
      guest_write_cntv_ctl(0)
      cpus[me].timerInterruptCount.wrappingAdd(1, ordering: .relaxed)
    case platform.uartInterrupt:
      uart.disableReceiveInterrupt()
      receiveInterruptCount.wrappingAdd(1, ordering: .relaxed)
    default: cpus[me].strayInterruptCount.wrappingAdd(1, ordering: .relaxed)
    }
    guest_write_icc_eoir1(UInt64(interrupt))
  }
}
