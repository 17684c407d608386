import CAArch64
import Kernel
import Synchronization
import VMM

/// The other CPUs, by PSCI.
enum SecondaryCPUs {
  private static let cpuOn: UInt64 = 0xc400_0003

  /// What `secondary_entry` finds behind the address in X0: where its stack ends, and what to call `main` with.
  private struct StartRecord {
    var stackTop: UInt64
    var cpu: UInt64
  }

  /// CPUs that have come up. Counted by themselves, waited for by the boot CPU.
  private static let arrived = Atomic<Int>(0)

  /// Starts every CPU of the tree; one that does not come is told and left out.
  /// - Returns: all CPUs, the boot CPU first.
  static func start(_ platform: Platform, machine: Reference<Machine>) -> [Reference<PhysicalCPU<AArch64>>] {
    let boot = AArch64.currentCPU
    var cpus = [boot]
    guard platform.hasPSCIBySMC else { return cpus }
    platform.forEachCPU { affinity in
      guard affinity != boot.value.hardwareID else { return }
      let cpu = Boot.makeCPU(index: cpus.count, affinity: affinity, machine: machine)
      guard let stack = machine.value.frames.allocate(Machine.stackOrder) else { return }
      // SAFETY: fresh frames; the record lies in their first bytes, the stack grows down from their end.
      let base = unsafe AddressMap.pointer(to: stack)
      let record = unsafe base.bindMemory(to: StartRecord.self, capacity: 1)
      unsafe record.pointee = StartRecord(
        stackTop: UInt64(UInt(bitPattern: base)) + Machine.stackOrder.byteCount, cpu: UInt64(cpu.address))
      aarch64_dsb_sy()
      let expected = cpus.count
      let result = smc_call(
        cpuOn, affinity, AddressMap.physicalAddress(ofImage: image_secondary_entry()).rawValue,
        UInt64(UInt(bitPattern: record)))
      guard result == 0 else {
        AArch64.consoleWrite("apus: CPU \(hex: affinity) does not start (PSCI \(Int(Int64(bitPattern: result))))")
        return
      }
      while arrived.load(ordering: .acquiring) < expected { AArch64.relax() }
      cpus.append(cpu)
    }
    return cpus
  }

  /// A secondary CPU's life. Called by `secondary_entry` with the address of its per-CPU area.
  static func main(_ area: UInt64) -> Never {
    // SAFETY: the boot CPU has put the address of the per-CPU area there.
    let cpu = unsafe Reference(
      UnsafeMutablePointer<PhysicalCPU<AArch64>>(bitPattern: UInt(area)).unsafelyUnwrapped)
    Boot.setUpThisCPU(cpu)
    arrived.add(1, ordering: .releasing)
    Scheduler<AArch64>.idle()
  }
}
