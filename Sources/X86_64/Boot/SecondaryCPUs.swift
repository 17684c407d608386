import CX86_64
import Kernel
import Synchronization
import VMM

/// The other CPUs, by INIT and SIPI (AMD APM 2, 15.27.8 and 16.5).
enum SecondaryCPUs {
  /// CPUs that have come up. Counted by themselves, waited for by the boot CPU.
  private static let arrived = Atomic<Int>(0)

  /// Starts every CPU of the tables; one that does not come is told and left out.
  /// - Returns: all CPUs, the boot CPU first.
  static func start(_ platform: Platform, machine: Reference<Machine>) -> [Reference<PhysicalCPU<X86_64>>] {
    let boot = X86_64.currentCPU
    var cpus = [boot]
    guard let page = platform.startPage else { return cpus }
    copyStartPage(to: page)
    platform.tables?.forEachCPU { identifier in
      guard UInt64(identifier) != boot.value.hardwareID, identifier < 255 else { return }
      guard let cpu = Boot.makeCPU(index: cpus.count, identifier: UInt64(identifier), machine: machine),
        let stack = machine.value.frames.allocate(Machine.stackOrder)
      else { return }
      // SAFETY: an address is only named.
      let top = UInt64(UInt(bitPattern: unsafe AddressMap.pointer(to: stack))) + Machine.stackOrder.byteCount
      set_secondary_stack(top)
      set_secondary_argument(UInt64(cpu.address))
      if comesUp(UInt64(identifier), page: page, machine: machine, expected: cpus.count) {
        cpus.append(cpu)
      } else {
        X86_64.consoleWrite("apus: CPU \(UInt64(identifier)) does not start")
      }
    }
    return cpus
  }

  private static func copyStartPage(to page: UInt8) {
    let count = Int(image_start_page_end() - image_start_page())
    // SAFETY: the page is RAM below 1 MiB that nobody uses; the code is the image's, and shorter than a page.
    unsafe AddressMap.pointer(to: HostPhysicalAddress(UInt64(page) << 12))
      .copyMemory(from: UnsafeRawPointer(bitPattern: UInt(image_start_page())).unsafelyUnwrapped, byteCount: count)
  }

  /// A CPU needs some time behind INIT before it takes a SIPI, and may miss the first.
  private static func comesUp(_ identifier: UInt64, page: UInt8, machine: Reference<Machine>, expected: Int) -> Bool {
    machine.value.apic.initialise(identifier)
    wait(microseconds: 10, machine) { false }
    for patience in [200, 100_000] as [UInt64] {
      machine.value.apic.start(identifier, page: page)
      if wait(microseconds: patience, machine, until: { arrived.load(ordering: .acquiring) >= expected }) {
        return true
      }
    }
    return false
  }

  @discardableResult
  private static func wait(microseconds: UInt64, _ machine: Reference<Machine>, until condition: () -> Bool) -> Bool {
    let end = X86_64.counter &+ machine.value.clocks.counterHz / 1_000_000 * microseconds
    while X86_64.counter < end {
      if condition() { return true }
      X86_64.relax()
    }
    return condition()
  }

  /// A secondary CPU's life. Called by `secondary_entry` with the address of its per-CPU area.
  static func main(_ area: UInt64) -> Never {
    // SAFETY: the boot CPU has put the address of the per-CPU area there.
    let cpu = unsafe Reference(
      UnsafeMutablePointer<PhysicalCPU<X86_64>>(bitPattern: UInt(area)).unsafelyUnwrapped)
    Boot.setUpThisCPU(cpu)
    arrived.add(1, ordering: .releasing)
    Scheduler<X86_64>.idle()
  }
}

extension Platform {
  /// A page of RAM below 640 KiB in which nothing of the loader's lies, by its number. The first MiB is in no allocator.
  var startPage: UInt8? {
    for page in 0x10..<0x9f as Range<UInt8> {
      let base = UInt64(page) << 12
      var isFree = false
      forEachMemoryRange { if $0.base.rawValue <= base, $0.last.rawValue >= base + 4095 { isFree = true } }
      if isFree, !isUsedByLoader(base) { return page }
    }
    return nil
  }
}
