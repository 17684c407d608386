import CRISCV64
import Kernel
import Synchronization
import VMM

/// The other harts, by SBI HSM.
enum SecondaryCPUs {
  /// What `secondary_entry` finds behind the address in a1: where its stack ends, and what to call `main` with.
  private struct StartRecord {
    var stackTop: UInt64
    var cpu: UInt64
  }

  /// Harts that have come up. Counted by themselves, waited for by the boot hart.
  private static let arrived = Atomic<Int>(0)

  /// Starts every hart that the tree has enabled; one that does not come is told and left out.
  /// - Returns: all harts, the boot hart first.
  static func start(_ platform: Platform, machine: Reference<Machine>) -> [Reference<PhysicalCPU<RISCV64>>] {
    let boot = RISCV64.currentCPU
    var cpus = [boot]
    guard MachineFirmware.hasHartState else { return cpus }
    let entry = AddressMap.physicalAddress(ofImage: image_secondary_entry()).rawValue
    platform.forEachCPU { hart in
      guard hart != boot.value.hardwareID else { return }
      guard let stack = machine.value.frames.allocate(Machine.stackOrder) else { return }
      let cpu = Boot.makeCPU(index: cpus.count, hart: hart, machine: machine)
      // SAFETY: fresh frames; the record lies in their first bytes, the stack grows down from their end.
      let base = unsafe AddressMap.pointer(to: stack)
      let record = unsafe base.bindMemory(to: StartRecord.self, capacity: 1)
      unsafe record.pointee = StartRecord(
        stackTop: UInt64(UInt(bitPattern: base)) + Machine.stackOrder.byteCount, cpu: UInt64(cpu.address))
      riscv64_fence()
      let result = MachineFirmware.startHart(hart, at: entry, argument: UInt64(UInt(bitPattern: record)))
      guard result == 0 else {
        RISCV64.consoleWrite("apus: hart \(hart) does not start (SBI \(Int(result)))")
        return
      }
      cpus.append(cpu)
    }
    while arrived.load(ordering: .acquiring) < cpus.count - 1 { RISCV64.relax() }
    return cpus
  }

  /// A secondary hart's life. Called by `secondary_entry` with the address of its per-CPU area.
  static func main(_ area: UInt64) -> Never {
    // SAFETY: the boot hart has put the address of the per-CPU area there.
    let cpu = unsafe Reference(
      UnsafeMutablePointer<PhysicalCPU<RISCV64>>(bitPattern: UInt(area)).unsafelyUnwrapped)
    Boot.setUpThisCPU(cpu)
    arrived.add(1, ordering: .releasing)
    Scheduler<RISCV64>.idle()
  }
}
