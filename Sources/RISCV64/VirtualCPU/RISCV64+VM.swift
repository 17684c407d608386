import CRISCV64
import DeviceTree
import Devices
import Kernel
import Manifest
import Synchronization
import VMM
import Virtualization

/// Making a VM and taking it apart.
extension RISCV64: VMMArchitecture {
  public typealias VCPUState = RISCV64VCPUState
  public typealias VMState = RISCV64VMState
  public typealias Device = RISCV64Device
  public typealias ArchExit = RISCV64Exit

  public static var manifestArchitecture: Manifest.Architecture { .riscv64 }

  /// What is always there, where it is on QEMU's `virt`.
  enum GuestPlace {
    static let plic = GuestPhysicalAddress(0x0c00_0000)
    static let testFinisher = GuestPhysicalAddress(0x0010_0000)
    static let testFinisherByteCount: UInt64 = 0x1000
  }

  public static func makeVM(
    id: Int, manifest: borrowing VMManifest, memory: consuming GuestMemory<Self>, port: Reference<ConsolePort>,
    console: Reference<Console<Self>>
  ) throws(VMError) -> Reference<VM<Self>> {
    var memory = memory
    let state: RISCV64VMState
    do throws(VMError) {
      state = try makeVMState(manifest, memory)
    } catch {
      memory.giveBack { Scheduler<Self>.preemptionPoint() }
      throw error
    }
    let vm = Reference.make(VM<Self>(id: id, name: port.value.name, memory: memory, state: state))
    do throws(VMError) {
      try place(.plic(vm), at: GuestPlace.plic, byteCount: VirtualPLIC.byteCount, in: vm)
      try place(.testFinisher(vm), at: GuestPlace.testFinisher, byteCount: GuestPlace.testFinisherByteCount, in: vm)
      for device in manifest.devices { try place(device, in: vm, port: port, console: console) }
    } catch {
      destroyVM(vm)
      throw error
    }
    return vm
  }

  private static func makeVMState(
    _ manifest: borrowing VMManifest, _ memory: borrowing GuestMemory<Self>
  ) throws(VMError) -> RISCV64VMState {
    let machine = currentCPU.value.local.machine
    guard (1...64).contains(manifest.vcpus.count) else { throw .unsupported }
    let vmid = try takeVMID(machine)
    let table = try makeNestedTable(memory, machine.value.identity)
    return RISCV64VMState(
      translation: table.format.controls(root: table.root, vmid: vmid), vmid: vmid, nestedTable: table,
      traps: .guest(idlesNatively: manifest.idle == .native), plic: VirtualPLIC(vcpuCount: manifest.vcpus.count))
  }

  /// A VMID that no VM had before; 0 for all where the hart has none.
  private static func takeVMID(_ machine: Reference<Machine>) throws(VMError) -> UInt64 {
    guard machine.value.identity.vmidBitCount > 0 else { return 0 }
    let vmid = UInt64(machine.value.nextVMID.add(1, ordering: .relaxed).oldValue)
    guard vmid < 1 << machine.value.identity.vmidBitCount else { throw .unsupported }
    return vmid
  }

  private static func place(
    _ device: RISCV64Device, at base: GuestPhysicalAddress, byteCount: UInt64, in vm: Reference<VM<Self>>
  ) throws(VMError) {
    guard let range = GuestPhysicalRange(base: base, byteCount: byteCount) else { throw .deviceOverlap }
    do throws(DeviceBusError) { try vm.value.bus.add(device, at: range) } catch { throw .deviceOverlap }
  }

  private static func place(
    _ device: DeviceManifest, in vm: Reference<VM<Self>>, port: Reference<ConsolePort>,
    console: Reference<Console<Self>>
  ) throws(VMError) {
    let line = SourceLine(vm: vm, number: Int(device.interrupt))
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
    guard let format = identity.nested else { throw .unsupported }
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
    Reference.make(VCPU(vm: vm, index: index, state: RISCV64VCPUState(index: index)))
  }

  public static func resetVM(_ vm: Reference<VM<Self>>) {
    forgetTranslations(of: vm)
    vm.value.state.plic.reset()
    vm.value.state.serialPort?.value.reset()
    vm.value.state.clock?.value.reset()
    vm.value.state.counterOffset = 0
    vm.value.state.stoppedAt = 0
  }

  /// Memory is coherent; what any hart has fetched of it before is forgotten.
  public static func publish(_ range: GuestPhysicalRange, of vm: Reference<VM<Self>>) {
    riscv64_fence()
    riscv64_fence_i()
    MachineFirmware.fenceInstructions(harts: 0, base: .max)
  }

  public static func destroyVM(_ vm: Reference<VM<Self>>) {
    for vcpu in vm.value.vcpus {
      // SAFETY: its task has ended and the VM is out of every list.
      unsafe vcpu.destroy()
    }
    forgetTranslations(of: vm)
    vm.value.state.nestedTable.destroy()
    vm.value.memory.giveBack { Scheduler<Self>.preemptionPoint() }
    // SAFETY: no hart has the VM's state loaded, and nothing names it any more; the owner has made the
    // console let go of the port.
    if let port = vm.value.state.serialPort { unsafe port.destroy() }
    if let clock = vm.value.state.clock { unsafe clock.destroy() }
    unsafe vm.destroy()
  }

  /// No TLB keeps anything of the VM: its VMID is not given out again, but its tables' frames are. HFENCE.GVMA also drops
  /// what was kept of both stages together.
  private static func forgetTranslations(of vm: Reference<VM<Self>>) {
    riscv64_fence()
    riscv64_hfence_gvma_vmid(vm.value.state.vmid)
    MachineFirmware.fenceNested(vmid: vm.value.state.vmid, harts: 0, base: .max)
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

  /// Instructions may be compressed.
  public static var instructionAlignment: UInt64 { 2 }

  /// Harts are numbered as the vCPUs are.
  public static func vcpuIndex(of target: UInt64, in vm: Reference<VM<Self>>) -> Int? {
    target < UInt64(vm.value.vcpus.count) ? Int(target) : nil
  }
}
