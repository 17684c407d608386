import CRISCV64
import DeviceTree
import Kernel
import Manifest
import VMM
import Virtualization

/// From Entry.S to the last VM's end.
public enum Boot {
  /// The console before there is a per-CPU area; a panic uses it too. Written once, by the boot hart.
  nonisolated(unsafe) static var earlyConsole = PhysicalUART()

  public static func main() -> Never {
    let platform = readPlatform()
    SpinLock.setRelax { riscv64_pause() }
    let frames = makeFrameAllocator(platform)
    guard let heap = Heap<RISCV64>(from: frames) else { fatalError("no memory for the heap") }
    unsafe BareRuntime.heap = heap
    openConsole(platform)
    let identity = CPUIdentity.read(platform, hart: boot_hart_id())
    requireHypervisorMode(identity)
    let machine = makeMachine(platform, frames: frames, identity: identity)
    let cpus = SecondaryCPUs.start(platform, machine: machine)
    run(platform, machine: machine, cpus: cpus)
  }

  // MARK: - Phases

  private static func readPlatform() -> Platform {
    let address = HostPhysicalAddress(boot_device_tree())
    let room: UInt64 = 2 << 20
    guard address.rawValue != 0, address.rawValue < AddressMap.memoryLimit - room else { RISCV64.powerOff() }
    // The header first; no loader makes a tree larger than this.
    AddressMap.mapMemory(at: address, byteCount: room)
    do throws(DeviceTreeError) {
      // SAFETY: mapped just above, and kept out of the frame allocator below.
      return Platform(
        tree: try unsafe FlattenedDeviceTree(
          UnsafeRawBufferPointer(start: AddressMap.pointer(to: address), count: Int(room))))
    } catch {
      RISCV64.powerOff()
    }
  }

  private static func openConsole(_ platform: Platform) {
    guard let port = platform.serialPort, let uart = PhysicalUART(port) else { return }
    unsafe earlyConsole = uart
  }

  /// The extension cannot be asked for in S-mode, so the device tree is believed.
  private static func requireHypervisorMode(_ identity: CPUIdentity) {
    guard !identity.hasHypervisor else { return }
    RISCV64.consoleWrite(
      "apus: this hart has no hypervisor extension (QEMU: -cpu rv64,h=true); a hypervisor needs it. Stopped.")
    RISCV64.powerOff()
  }

  private static func makeFrameAllocator(_ platform: Platform) -> FrameAllocator<RISCV64> {
    var free = FreeMemory()
    platform.forEachMemoryRange { range in
      guard range.base.rawValue < AddressMap.memoryLimit else { return }
      let byteCount = min(range.byteCount, AddressMap.memoryLimit - range.base.rawValue)
      AddressMap.mapMemory(at: range.base, byteCount: byteCount)
      if let used = HostPhysicalRange(base: range.base, byteCount: byteCount) { free.add(used) }
    }
    platform.forEachReservedRange { free.remove($0) }
    let image = AddressMap.physicalAddress(ofImage: image_start())
    let tree = HostPhysicalAddress(boot_device_tree())
    if let range = HostPhysicalRange(base: image, byteCount: image_end() - image_start()) { free.remove(range) }
    if let range = HostPhysicalRange(base: tree, byteCount: UInt64(platform.tree.usedByteCount)) { free.remove(range) }
    var frames: FrameAllocator<RISCV64>?
    free.forEach { range in
      if let frames { frames.add(range) } else { frames = FrameAllocator(range) }
    }
    guard let frames else { fatalError("no free RAM") }
    return frames
  }

  private static func makeMachine(
    _ platform: Platform, frames: FrameAllocator<RISCV64>, identity: CPUIdentity
  ) -> Reference<Machine> {
    guard let stacks = makeStackWindow(from: frames) else { fatalError("no memory for stacks") }
    let machine = Reference.make(
      Machine(
        frames: frames, stacks: stacks, plic: PhysicalPLIC(platform, hart: boot_hart_id()), uart: unsafe earlyConsole,
        identity: identity))
    machine.value.seeds = SeedStream(key: platform.seed)
    setUpThisCPU(makeCPU(index: 0, hart: boot_hart_id(), machine: machine))
    machine.value.nanosecondsAtCounterZero = PhysicalClock.nanosecondsAtCounterZero(platform)
    return machine
  }

  private static func makeStackWindow(from frames: FrameAllocator<RISCV64>) -> StackWindow? {
    do throws(PageTableError) { return try StackWindow(from: frames) } catch { return nil }
  }

  /// The per-CPU area of one hart.
  static func makeCPU(index: Int, hart: UInt64, machine: Reference<Machine>) -> Reference<PhysicalCPU<RISCV64>> {
    Reference.make(PhysicalCPU(index: index, hardwareID: hart, local: RISCV64CPULocal(machine: machine)))
  }

  /// Everything that each hart does for itself.
  static func setUpThisCPU(_ cpu: Reference<PhysicalCPU<RISCV64>>) {
    write_tp(UInt64(cpu.address))
    RISCV64.setTimer(deadline: .max)
    write_sie(SupervisorInterrupts([.software, .timer, .external]).rawValue)
    write_hgatp(0)
    write_hgeie(0)
    write_hvip(0)
    write_hie(0)
    write_hedeleg(GuestControls.exceptions)
    write_hideleg(GuestControls.interrupts)
    write_hcounteren(GuestControls.counters)
    write_henvcfg(GuestControls.environment(hasSstc: cpu.value.local.machine.value.identity.hasSstc))
    Scheduler<RISCV64>.adoptBootContext(as: cpu)
  }

  private static func run(
    _ platform: Platform, machine: Reference<Machine>, cpus: [Reference<PhysicalCPU<RISCV64>>]
  ) -> Never {
    let console = Reference.make(Console<RISCV64>())
    let arguments = BootArguments(platform.bootArguments)
    console.value.print(
      "apus: riscv64, \(cpus.count) CPUs, \(machine.value.frames.freeByteCount >> 20) MiB free")
    guard let range = platform.bundle else {
      console.value.print("apus: the loader gave no bundle (QEMU: -initrd, U-Boot: the second argument of booti)")
      RISCV64.powerOff()
    }
    // SAFETY: the bundle is RAM, mapped, and kept out of the frame allocator for good.
    let bundle = unsafe Bundle(base: UnsafeRawPointer(AddressMap.pointer(to: range.base)), byteCount: range.byteCount)
    let vmm = Reference.make(
      VMM<RISCV64>(console: console, frames: machine.value.frames, heap: unsafe BareRuntime.heap))
    let main = Scheduler<RISCV64>.spawn(name: "VMM", on: cpus[0], urgency: .system) {
      let isUsable = vmm.value.initialize(vmm, bundle: bundle, cpus: cpus)
      startConsole(console, vmm: vmm, machine: machine, cpus: cpus, arguments: arguments)
      if isUsable { vmm.value.start() }
      vmm.value.tellVerdict(token: arguments.token)
      Console.close(console)
      if vmm.value.isPowerOffWanted { RISCV64.powerOff() }
    }
    guard main != nil else { fatalError("no memory for the VMM's stack") }
    Scheduler<RISCV64>.idle()
  }

  private static func startConsole(
    _ console: Reference<Console<RISCV64>>, vmm: Reference<VMM<RISCV64>>, machine: Reference<Machine>,
    cpus: [Reference<PhysicalCPU<RISCV64>>], arguments: BootArguments
  ) {
    Console.open(console, vmm: vmm, on: cpus[0], focus: arguments.focus)
    machine.value.consoleInput = { console.value.wake() }
    if let plic = machine.value.plic, let interrupt = machine.value.uart.interrupt {
      plic.enable(interrupt)
      machine.value.uart.enableInput()
    }
  }
}
