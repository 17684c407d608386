import CX86_64
import DeviceTree
import Kernel
import Manifest
import VMM
import Virtualization

/// From Entry.S to the last VM's end.
public enum Boot {
  /// How to turn the machine off. Written once, by the boot CPU.
  nonisolated(unsafe) static var softOff: SoftOff?

  public static func main() -> Never {
    PhysicalUART.com1.prepare()
    DescriptorTables.fillInterruptTable(withSafeStacks: false)
    let platform = readPlatform()
    let identity = requireHypervisorMode()
    let frames = makeFrameAllocator(platform)
    guard let heap = Heap<X86_64>(from: frames) else { fatalError("no memory for the heap") }
    // SAFETY: the boot CPU alone, before anything allocates.
    unsafe BareRuntime.heap = heap
    let machine = makeMachine(platform, frames: frames, identity)
    let cpus = SecondaryCPUs.start(platform, machine: machine)
    run(platform, machine: machine, cpus: cpus)
  }

  // MARK: - Phases

  private static func readPlatform() -> Platform {
    guard let platform = Platform() else {
      X86_64.consoleWrite("apus: the loader gave no PVH start information (QEMU: -kernel). Stopped.")
      X86_64.powerOff()
    }
    // SAFETY: there is no other CPU yet.
    unsafe softOff = platform.tables?.softOff
    return platform
  }

  private static func requireHypervisorMode() -> CPUIdentity {
    let identity = CPUIdentity.read()
    guard let complaint = identity.complaint else { return identity }
    X86_64.consoleWrite("apus: \(complaint); a hypervisor needs it. Stopped.")
    X86_64.powerOff()
  }

  private static func makeFrameAllocator(_ platform: Platform) -> FrameAllocator<X86_64> {
    var free = FreeMemory()
    platform.forEachMemoryRange { range in
      AddressMap.mapMemory(at: range.base, byteCount: range.byteCount)
      free.add(range)
    }
    // The first MiB belongs to the firmware, to what the loader handed over, and to the page where CPUs start.
    remove(base: 0, byteCount: 1 << 20, from: &free)
    remove(base: image_physical_base(), byteCount: image_end() - image_start(), from: &free)
    if let bundle = platform.bundle {
      AddressMap.mapMemory(at: bundle.base, byteCount: bundle.byteCount)
      free.remove(bundle)
    }
    var frames: FrameAllocator<X86_64>?
    free.forEach { range in
      if let frames { frames.add(range) } else { frames = FrameAllocator(range) }
    }
    guard let frames else { fatalError("no free RAM") }
    return frames
  }

  private static func remove(base: UInt64, byteCount: UInt64, from free: inout FreeMemory) {
    if let range = HostPhysicalRange(base: HostPhysicalAddress(base), byteCount: byteCount) { free.remove(range) }
  }

  private static func makeMachine(
    _ platform: Platform, frames: FrameAllocator<X86_64>, _ identity: CPUIdentity
  ) -> Reference<Machine> {
    guard let tables = platform.tables else { fatalError("the firmware has no ACPI tables") }
    guard let reference = ReferenceClock(tables) else { fatalError("the machine has no clock of known frequency") }
    guard let stacks = makeStackWindow(from: frames, identity) else { fatalError("no memory for stacks") }
    guard let permissions = PermissionMaps(from: frames) else { fatalError("no memory for the permission maps") }
    let apic = PhysicalAPIC()
    apic.setUpThisCPU()
    let machine = Reference.make(
      Machine(
        frames: frames, stacks: stacks, apic: apic, clocks: Clocks.measure(apic, against: reference),
        identity: identity, permissions: permissions))
    guard let cpu = makeCPU(index: 0, identifier: apic.identifier, machine: machine) else {
      fatalError("no memory for the boot CPU")
    }
    setUpThisCPU(cpu)
    // The boot CPU's task-state segment is there now.
    DescriptorTables.fillInterruptTable(withSafeStacks: true)
    return machine
  }

  private static func makeStackWindow(from frames: FrameAllocator<X86_64>, _ identity: CPUIdentity) -> StackWindow? {
    guard let range = identity.physicalRange else { return nil }
    do throws(PageTableError) { return try StackWindow(from: frames, machine: range) } catch { return nil }
  }

  /// The per-CPU area of one CPU. Nil where there is no memory.
  static func makeCPU(
    index: Int, identifier: UInt64, machine: Reference<Machine>
  ) -> Reference<PhysicalCPU<X86_64>>? {
    guard let hostVMCB = machine.value.frames.allocate(.frame) else { return nil }
    return Reference.make(
      PhysicalCPU(
        index: index, hardwareID: identifier,
        local: X86CPULocal(
          machine: machine, anchor: CPUAnchor.make(eoi: machine.value.apic.eoiAddress), hostVMCB: hostVMCB,
          loadedVCPU: nil, asids: ASIDPool(count: machine.value.identity.asidCount))))
  }

  /// Everything that each CPU does for itself.
  static func setUpThisCPU(_ cpu: Reference<PhysicalCPU<X86_64>>) {
    let machine = cpu.value.local.machine
    guard DescriptorTables.setUpThisCPU(from: machine.value.frames),
      let hostSave = machine.value.frames.allocate(.frame)
    else { fatalError("no memory for a CPU") }
    cpu.value.local.anchor.install(cpu)
    DescriptorTables.loadInterruptTable()
    write_CR4(read_CR4() | CR4([.osfxsr, .osxmmexcpt, .pge]).rawValue)
    x86_wrmsr(MSR.efer, x86_rdmsr(MSR.efer) | MSR.eferSVME | MSR.eferSCE)
    x86_wrmsr(MSR.vmHSavePA, hostSave.rawValue)
    // FS, GS, TR and what else VMLOAD loads: as they are now, behind each exit.
    x86_vmsave(cpu.value.local.hostVMCB.rawValue)
    machine.value.apic.setUpThisCPU()
    Scheduler<X86_64>.adoptBootContext(as: cpu)
  }

  private static func run(
    _ platform: Platform, machine: Reference<Machine>, cpus: [Reference<PhysicalCPU<X86_64>>]
  ) -> Never {
    let console = Reference.make(Console<X86_64>())
    let arguments = BootArguments(platform.bootArguments)
    console.value.print(
      "apus: x86_64, \(cpus.count) CPUs, \(machine.value.frames.freeByteCount >> 20) MiB free")
    guard let range = platform.bundle else {
      console.value.print("apus: the loader gave no bundle (QEMU: -initrd)")
      X86_64.powerOff()
    }
    // SAFETY: the bundle is RAM, mapped, and kept out of the frame allocator for good.
    let bundle = unsafe Bundle(base: UnsafeRawPointer(AddressMap.pointer(to: range.base)), byteCount: range.byteCount)
    // SAFETY: written once, long ago.
    let heap = unsafe BareRuntime.heap
    let vmm = Reference.make(VMM<X86_64>(console: console, frames: machine.value.frames, heap: heap))
    let main = Scheduler<X86_64>.spawn(name: "VMM", on: cpus[0], urgency: .system) {
      let isUsable = vmm.value.initialize(vmm, bundle: bundle, cpus: cpus)
      startConsole(console, platform, vmm: vmm, machine: machine, cpus: cpus, arguments: arguments)
      if isUsable { vmm.value.start() }
      vmm.value.tellVerdict(token: arguments.token)
      Console.close(console)
      if vmm.value.isPowerOffWanted { X86_64.powerOff() }
    }
    guard main != nil else { fatalError("no memory for the VMM's stack") }
    Scheduler<X86_64>.idle()
  }

  private static func startConsole(
    _ console: Reference<Console<X86_64>>, _ platform: Platform, vmm: Reference<VMM<X86_64>>,
    machine: Reference<Machine>, cpus: [Reference<PhysicalCPU<X86_64>>], arguments: BootArguments
  ) {
    Console.open(console, vmm: vmm, on: cpus[0], focus: arguments.focus)
    machine.value.consoleInput = { console.value.wake() }
    guard let tables = platform.tables, let description = tables.ioAPIC else { return }
    PhysicalIOAPIC(description).enable(
      tables.input(ofISA: PhysicalUART.interrupt), .console, to: cpus[0].value.hardwareID)
    PhysicalUART.com1.enableInput()
  }
}
