import CAArch64
import DeviceTree
import Kernel
import Manifest
import VMM
import Virtualization

/// From Entry.S to the last VM's end.
public enum Boot {
  /// The serial port before there is a per-CPU area; a panic uses it too. Written once, by the boot CPU.
  nonisolated(unsafe) static var earlyConsole: PhysicalUART?

  public static func main() -> Never {
    let platform = readPlatform()
    SpinLock.setRelax { aarch64_yield() }
    let frames = makeFrameAllocator(platform)
    guard let heap = Heap<AArch64>(from: frames) else { fatalError("no memory for the heap") }
    unsafe BareRuntime.heap = heap
    openConsole(platform)
    requireHypervisorMode()
    let machine = makeMachine(platform, frames: frames)
    let cpus = SecondaryCPUs.start(platform, machine: machine)
    run(platform, machine: machine, cpus: cpus)
  }

  // MARK: - Phases

  private static func readPlatform() -> Platform {
    let address = HostPhysicalAddress(boot_device_tree())
    guard address.rawValue != 0 else { AArch64.powerOff() }
    // The header first; the tree ends within 2 MiB (Linux, booting.rst), and may cross one boundary of 2 MiB.
    AddressMap.mapMemory(at: address, byteCount: 2 << 20)
    do throws(DeviceTreeError) {
      // SAFETY: mapped just above, and kept out of the frame allocator below.
      return Platform(
        tree: try unsafe FlattenedDeviceTree(
          UnsafeRawBufferPointer(start: AddressMap.pointer(to: address), count: 2 << 20)))
    } catch {
      AArch64.powerOff()
    }
  }

  private static func openConsole(_ platform: Platform) {
    guard let port = platform.serialPort else { return }
    unsafe earlyConsole = PhysicalUART(port)
  }

  private static func requireHypervisorMode() {
    let level = (read_CurrentEL() >> 2) & 3
    guard level != 2 else { return }
    AArch64.consoleWrite("apus: this is EL\(level); a hypervisor needs EL2 (QEMU: -M virt,virtualization=on). Stopped.")
    AArch64.powerOff()
  }

  private static func makeFrameAllocator(_ platform: Platform) -> FrameAllocator<AArch64> {
    var free = FreeMemory()
    platform.forEachMemoryRange { range in
      AddressMap.mapMemory(at: range.base, byteCount: range.byteCount)
      free.add(range)
    }
    platform.forEachReservedRange { free.remove($0) }
    let image = AddressMap.physicalAddress(ofImage: image_start())
    let tree = HostPhysicalAddress(boot_device_tree())
    if let range = HostPhysicalRange(base: image, byteCount: image_end() - image_start()) { free.remove(range) }
    if let range = HostPhysicalRange(base: tree, byteCount: UInt64(platform.tree.usedByteCount)) { free.remove(range) }
    var frames: FrameAllocator<AArch64>?
    free.forEach { range in
      if let frames { frames.add(range) } else { frames = FrameAllocator(range) }
    }
    guard let frames else { fatalError("no free RAM") }
    return frames
  }

  private static func makeMachine(_ platform: Platform, frames: FrameAllocator<AArch64>) -> Reference<Machine> {
    var distributor: DeviceWindow?
    var regions: [(DeviceWindow, UInt64)] = []
    let isThere = platform.forEachGICv3Region { index, register in
      guard index <= platform.redistributorRegionCount else { return }
      let window = AddressMap.mapDevice(at: HostPhysicalAddress(register.address), byteCount: register.byteCount)
      if index == 0 { distributor = window } else { regions.append((window, register.byteCount)) }
    }
    guard isThere, let distributor else { fatalError("the device tree has no GICv3") }
    let identity = CPUIdentity.read()
    guard let stacks = makeStackWindow(from: frames, identity) else { fatalError("no memory for stacks") }
    let machine = Reference.make(
      Machine(
        frames: frames, stacks: stacks, gic: PhysicalGIC(distributor: distributor), redistributors: regions,
        uart: unsafe earlyConsole, identity: identity,
        secondsAtCounterZero: PhysicalClock.secondsAtCounterZero(platform)))
    machine.value.seeds = SeedStream(key: Entropy.strengthened(platform.seed, on: identity))
    let affinity = read_MPIDR_EL1() & CPUIdentity.affinityMask
    let cpu = makeCPU(index: 0, affinity: affinity, machine: machine)
    setUpThisCPU(cpu)
    return machine
  }

  private static func makeStackWindow(from frames: FrameAllocator<AArch64>, _ identity: CPUIdentity) -> StackWindow? {
    guard let range = identity.physicalRange else { return nil }
    do throws(PageTableError) { return try StackWindow(from: frames, machine: range) } catch { return nil }
  }

  /// The per-CPU area of one CPU.
  static func makeCPU(index: Int, affinity: UInt64, machine: Reference<Machine>) -> Reference<PhysicalCPU<AArch64>> {
    var redistributor: DeviceWindow?
    for (region, byteCount) in machine.value.redistributors where redistributor == nil {
      redistributor = PhysicalGIC.findRedistributor(in: region, byteCount: byteCount, affinity: affinity)
    }
    guard let redistributor else { fatalError("a CPU without a GIC redistributor") }
    return Reference.make(
      PhysicalCPU(
        index: index, hardwareID: affinity,
        local: AArch64CPULocal(machine: machine, redistributor: redistributor)))
  }

  /// Everything that each CPU does for itself.
  static func setUpThisCPU(_ cpu: Reference<PhysicalCPU<AArch64>>) {
    write_TPIDR_EL2(UInt64(cpu.address))
    let identity = cpu.value.local.machine.value.identity
    write_HCR_EL2(HCR_EL2.rw.rawValue)
    write_VTCR_EL2(identity.vtcr.rawValue)
    write_CPTR_EL2(CPTR_EL2.guest(on: identity).rawValue)
    write_MDCR_EL2(identity.mdcr)
    write_HSTR_EL2(0)
    // Nothing that newer CPUs have beyond `HCR_EL2` is allowed; what they trap by a 0 is trapped.
    if identity.hasHCX { write_HCRX_EL2(0) }
    if identity.hasFGT {
      write_HFGRTR_EL2(0)
      write_HFGWTR_EL2(0)
      write_HFGITR_EL2(0)
      write_HDFGRTR_EL2(0)
      write_HDFGWTR_EL2(0)
    }
    write_CNTHCTL_EL2(0)
    write_CNTHP_CTL_EL2(0)
    write_CNTV_CTL_EL0(0)
    aarch64_isb()
    PhysicalGIC.setUpCPUInterface(redistributor: cpu.value.local.redistributor)
    Scheduler<AArch64>.adoptBootContext(as: cpu)
  }

  private static func run(
    _ platform: Platform, machine: Reference<Machine>, cpus: [Reference<PhysicalCPU<AArch64>>]
  ) -> Never {
    let console = Reference.make(Console<AArch64>())
    let arguments = BootArguments(platform.bootArguments)
    console.value.print(
      "apus: aarch64, \(cpus.count) CPUs, \(machine.value.frames.freeByteCount >> 20) MiB free")
    guard let range = platform.bundle else {
      console.value.print("apus: the loader gave no bundle (QEMU: -initrd, U-Boot: the second argument of booti)")
      AArch64.powerOff()
    }
    // SAFETY: the bundle is RAM, mapped, and kept out of the frame allocator for good.
    let bundle = unsafe Bundle(base: UnsafeRawPointer(AddressMap.pointer(to: range.base)), byteCount: range.byteCount)
    let vmm = Reference.make(
      VMM<AArch64>(console: console, frames: machine.value.frames, heap: unsafe BareRuntime.heap))
    let main = Scheduler<AArch64>.spawn(name: "VMM", on: cpus[0], urgency: .system) {
      let isUsable = vmm.value.initialize(vmm, bundle: bundle, cpus: cpus)
      startConsole(console, vmm: vmm, machine: machine, cpus: cpus, arguments: arguments)
      if isUsable { vmm.value.start() }
      vmm.value.tellVerdict(token: arguments.token)
      Console.close(console)
      if vmm.value.isPowerOffWanted { AArch64.powerOff() }
    }
    guard main != nil else { fatalError("no memory for the VMM's stack") }
    Scheduler<AArch64>.idle()
  }

  private static func startConsole(
    _ console: Reference<Console<AArch64>>, vmm: Reference<VMM<AArch64>>, machine: Reference<Machine>,
    cpus: [Reference<PhysicalCPU<AArch64>>], arguments: BootArguments
  ) {
    Console.open(console, vmm: vmm, on: cpus[0], focus: arguments.focus)
    machine.value.consoleInput = { console.value.wake() }
    if let uart = machine.value.uart, let interrupt = uart.interrupt {
      machine.value.gic.enableShared(interrupt, to: cpus[0].value.hardwareID)
      uart.enableInput()
    }
  }
}
