import CAArch64
import DeviceTree
import Devices
import Kernel
import Manifest
import Synchronization
import VMM
import Virtualization

/// Making a VM and taking it apart.
extension AArch64: VMMArchitecture {
  public typealias VCPUState = AArch64VCPUState
  public typealias VMState = AArch64VMState
  public typealias Device = AArch64Device
  public typealias ArchExit = AArch64Exit

  public static var manifestArchitecture: Manifest.Architecture { .aarch64 }

  /// Where the interrupt controller is, as on QEMU's `virt`.
  enum GuestPlace {
    static let distributor = GuestPhysicalAddress(0x0800_0000)
    static let redistributors = GuestPhysicalAddress(0x080a_0000)
  }

  public static func makeVM(
    id: Int, manifest: borrowing VMManifest, memory: consuming GuestMemory<Self>, port: Reference<ConsolePort>,
    console: Reference<Console<Self>>
  ) throws(VMError) -> Reference<VM<Self>> {
    var memory = memory
    let state: AArch64VMState
    do throws(VMError) {
      state = try makeVMState(manifest, memory)
    } catch {
      memory.giveBack { Scheduler<Self>.preemptionPoint() }
      throw error
    }
    let vm = Reference.make(VM<Self>(id: id, name: port.value.name, memory: memory, state: state))
    do throws(VMError) {
      try place(.distributor(vm), at: GuestPlace.distributor, byteCount: VirtualGIC.distributorByteCount, in: vm)
      try place(
        .redistributors(vm), at: GuestPlace.redistributors,
        byteCount: VirtualGIC.redistributorByteCount * UInt64(manifest.vcpus.count), in: vm)
      for device in manifest.devices { try place(device, in: vm, port: port, console: console) }
    } catch {
      destroyVM(vm)
      throw error
    }
    return vm
  }

  private static func makeVMState(
    _ manifest: borrowing VMManifest, _ memory: borrowing GuestMemory<Self>
  ) throws(VMError) -> AArch64VMState {
    let machine = currentCPU.value.local.machine
    let identity = machine.value.identity
    let shape = VirtualGIC.Shape(
      vcpuCount: manifest.vcpus.count, sharedInterruptCount: sharedInterruptCount(manifest),
      interface: identity.virtualInterface)
    guard let shape else { throw .unsupported }
    let vmid = machine.value.nextVMID.add(1, ordering: .relaxed).oldValue
    guard vmid < (identity.has16BitVMID ? 1 << 16 : 1 << 8) else { throw .unsupported }
    let table = try makeNestedTable(memory, identity)
    return AArch64VMState(
      vttbr: VTTBR_EL2(table: table.root.rawValue, vmid: UInt16(vmid)), nestedTable: table,
      hcr: .guest(on: identity, idlesNatively: manifest.idle == .native),
      gic: VirtualGIC(shape), random: makeGenerator(machine))
  }

  private static func makeGenerator(_ machine: Reference<Machine>) -> RandomGenerator? {
    let number = machine.value.generatorCount.add(1, ordering: .relaxed).newValue
    return machine.value.seeds?.generator(UInt32(truncatingIfNeeded: number))
  }

  /// Interrupts of the VM's devices, the highest plus one.
  private static func sharedInterruptCount(_ manifest: borrowing VMManifest) -> Int {
    var count = 32
    for device in manifest.devices { count = max(count, Int(device.interrupt) + 1) }
    return count
  }

  private static func place(
    _ device: AArch64Device, at base: GuestPhysicalAddress, byteCount: UInt64, in vm: Reference<VM<Self>>
  ) throws(VMError) {
    guard let range = GuestPhysicalRange(base: base, byteCount: byteCount) else { throw .deviceOverlap }
    do throws(DeviceBusError) { try vm.value.bus.add(device, at: range) } catch { throw .deviceOverlap }
  }

  private static func place(
    _ device: DeviceManifest, in vm: Reference<VM<Self>>, port: Reference<ConsolePort>,
    console: Reference<Console<Self>>
  ) throws(VMError) {
    let line = SharedLine(vm: vm, number: Int(device.interrupt))
    switch device.kind {
    case .uart:
      let serialPort = SerialPort.make(line: line, sink: PortSink(port: port, console: console))
      vm.value.state.serialPort = serialPort
      try place(.serialPort(serialPort), at: device.base, byteCount: device.byteCount, in: vm)
    case .clock:
      let clock = Clock.make(line: line)
      vm.value.state.clock = clock
      try place(.clock(clock), at: device.base, byteCount: device.byteCount, in: vm)
    }
  }

  private static func makeNestedTable(
    _ memory: borrowing GuestMemory<Self>, _ identity: CPUIdentity
  ) throws(VMError) -> NestedPageTable<NestedTableFormat, Self> {
    guard let format = identity.stage2 else { throw .unsupported }
    do throws(PageTableError) {
      var table = try NestedPageTable<NestedTableFormat, Self>(
        format, from: currentCPU.value.local.machine.value.frames)
      do throws(PageTableError) {
        try memory.map(into: &table, maintenance: NotInstalled())
      } catch {
        table.destroy()
        throw error
      }
      return table
    } catch {
      throw error == .outOfFrames ? .outOfMemory : .unsupported
    }
  }

  public static func makeVCPU(index: Int, of vm: Reference<VM<Self>>) -> Reference<VCPU<Self>> {
    Reference.make(
      VCPU(vm: vm, index: index, state: AArch64VCPUState(index: index, gic: vm.value.state.gic.cpu(index))))
  }

  public static func resetVM(_ vm: Reference<VM<Self>>) {
    forgetTranslations(of: vm)
    vm.value.state.gic.reset()
    vm.value.state.serialPort?.value.reset()
    vm.value.state.clock?.value.reset()
    vm.value.state.counterOffset = 0
    vm.value.state.stoppedAt = 0
  }

  /// A guest begins with its caches off, so what was written for it must be in memory (Linux, booting.rst).
  public static func publish(_ range: GuestPhysicalRange, of vm: Reference<VM<Self>>) {
    let line = UInt64(4) << ((read_CTR_EL0() >> 16) & 0xf)  // CTR_EL0.DminLine, in words
    vm.value.memory.forEachBlock { block in
      let first = max(range.base.rawValue, block.guestBase.rawValue)
      let end = min(range.last.rawValue, block.guestBase.rawValue &+ (block.byteCount &- 1))
      guard first <= end else { return }
      let start = AddressMap.directMapBase &+ block.hostBase.rawValue
      var address = (start &+ (first &- block.guestBase.rawValue)) & ~(line &- 1)
      let last = start &+ (end &- block.guestBase.rawValue)
      while address <= last {
        aarch64_dc_cvac(address)
        address &+= line
      }
    }
    aarch64_dsb_sy()
    aarch64_ic_ialluis()
    aarch64_dsb_ish()
  }

  public static func destroyVM(_ vm: Reference<VM<Self>>) {
    for vcpu in vm.value.vcpus {
      // SAFETY: its task has ended and the VM is out of every list.
      unsafe vcpu.destroy()
    }
    forgetTranslations(of: vm)
    vm.value.state.nestedTable.destroy()
    vm.value.memory.giveBack { Scheduler<Self>.preemptionPoint() }
    // SAFETY: no CPU has the VM's state loaded, and nothing names it any more; the owner has made the
    // console let go of the port.
    if let port = vm.value.state.serialPort { unsafe port.destroy() }
    if let clock = vm.value.state.clock { unsafe clock.destroy() }
    unsafe vm.destroy()
  }

  /// No TLB keeps anything of the VM: its VMID is not given out again, but its tables' frames are.
  /// (Arm ARM DDI 0487, D8.13: TLBI VMALLS12E1IS acts on the VMID in VTTBR_EL2.)
  private static func forgetTranslations(of vm: Reference<VM<Self>>) {
    let cpu = currentCPU
    if let loaded = cpu.value.local.loadedVCPU { unload(loaded) }
    write_VTTBR_EL2(vm.value.state.vttbr.rawValue)
    aarch64_isb()
    aarch64_dsb_ishst()
    aarch64_tlbi_vmalls12e1is()
    aarch64_dsb_ish()
    aarch64_isb()
  }

  /// While a VM's time stands still no vCPU of it runs; what was on the counter then is on it again afterwards.
  public static func setTime(of vm: Reference<VM<Self>>, isRunning: Bool) {
    if isRunning {
      guard let stoppedAt = vm.value.state.stoppedAt else { return }
      vm.value.state.counterOffset = counter &- stoppedAt
      vm.value.state.stoppedAt = nil
    } else if vm.value.state.stoppedAt == nil {
      vm.value.state.stoppedAt = guestCounter(of: vm)
    }
  }

  public static func vcpuIndex(of target: UInt64, in vm: Reference<VM<Self>>) -> Int? {
    guard let affinity = VCPUAffinity(mpidr: target), affinity.index < vm.value.vcpus.count else { return nil }
    return affinity.index
  }
}
