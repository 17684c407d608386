import CX86_64
import Devices
import Kernel
import Manifest
import VMM
import Virtualization

/// Making a VM and taking it apart.
extension X86_64: VMMArchitecture {
  public typealias VCPUState = X86VCPUState
  public typealias VMState = X86VMState
  public typealias Device = X86Device
  public typealias ArchExit = X86Exit

  public static var manifestArchitecture: Manifest.Architecture { .x86_64 }

  public static func makeVM(
    id: Int, manifest: borrowing VMManifest, memory: consuming GuestMemory<Self>, port: Reference<ConsolePort>,
    console: Reference<Console<Self>>
  ) throws(VMError) -> Reference<VM<Self>> {
    let frames = currentCPU.value.local.machine.value.frames
    var registers: [GuestRegisters] = []
    for _ in manifest.vcpus.indices {
      guard let own = GuestRegisters.make(from: frames) else { throw .outOfMemory }
      registers.append(own)
    }
    let table = try makeNestedTable(memory)
    let vm = Reference.make(
      VM<Self>(
        id: id, name: port.value.name, memory: memory,
        state: X86VMState(nestedTable: table, idlesNatively: manifest.idle == .native, registers: registers)))
    try place(.localAPIC(vm), at: GuestPlace.localAPIC, byteCount: GuestPlace.localAPICByteCount, in: vm)
    try place(.ioAPIC(vm), at: GuestPlace.ioAPIC, byteCount: VirtualIOAPIC.byteCount, in: vm)
    try placePort(
      .powerManagement(vm), at: UInt64(GuestPlace.powerEvents), byteCount: PowerManagement.byteCount, in: vm)
    for device in manifest.devices { try place(device, in: vm, port: port, console: console) }
    return vm
  }

  private static func place(
    _ device: X86Device, at base: GuestPhysicalAddress, byteCount: UInt64, in vm: Reference<VM<Self>>
  ) throws(VMError) {
    guard let range = GuestPhysicalRange(base: base, byteCount: byteCount) else { throw .deviceOverlap }
    do throws(DeviceBusError) { try vm.value.bus.add(device, at: range) } catch { throw .deviceOverlap }
  }

  private static func placePort(
    _ device: X86Device, at base: UInt64, byteCount: UInt64, in vm: Reference<VM<Self>>
  ) throws(VMError) {
    guard let range = GuestPhysicalRange(base: GuestPhysicalAddress(base), byteCount: byteCount) else {
      throw .deviceOverlap
    }
    do throws(DeviceBusError) { try vm.value.state.ports.add(device, at: range) } catch { throw .deviceOverlap }
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
      try placePort(.serialPort(serialPort), at: device.base.rawValue, byteCount: device.byteCount, in: vm)
    case .clock:
      let clock = Clock.make(of: vm)
      vm.value.state.clock = clock
      try placePort(.clock(clock), at: device.base.rawValue, byteCount: device.byteCount, in: vm)
    }
  }

  private static func makeNestedTable(
    _ memory: borrowing GuestMemory<Self>
  ) throws(VMError) -> NestedPageTable<NestedTableFormat, Self> {
    let machine = currentCPU.value.local.machine
    guard let format = machine.value.identity.nestedFormat else { throw .unsupported }
    do throws(PageTableError) {
      var table = try NestedPageTable<NestedTableFormat, Self>(format, from: machine.value.frames)
      try memory.map(into: &table, maintenance: NotInstalled())
      return table
    } catch {
      throw error == .outOfFrames ? .outOfMemory : .unsupported
    }
  }

  public static func makeVCPU(index: Int, of vm: Reference<VM<Self>>) -> Reference<VCPU<Self>> {
    Reference.make(
      VCPU(vm: vm, index: index, state: X86VCPUState(index: index, registers: vm.value.state.registers[index])))
  }

  public static func resetVM(_ vm: Reference<VM<Self>>) {
    vm.value.state.ioAPIC.withLock { $0.reset() }
    vm.value.state.serialPort?.value.reset()
    vm.value.state.clock?.value.reset()
    vm.value.state.counterOffset = 0
    vm.value.state.stoppedAt = 0
  }

  /// Caches are coherent with each other and with instruction fetches (AMD APM 2, 7.6.1): nothing is to be done.
  public static func publish(_ range: GuestPhysicalRange, of vm: Reference<VM<Self>>) {}

  public static func destroyVM(_ vm: Reference<VM<Self>>) {
    let frames = currentCPU.value.local.machine.value.frames
    for vcpu in vm.value.vcpus {
      // SAFETY: its task has ended and the VM is out of every list.
      unsafe vcpu.destroy()
    }
    for own in vm.value.state.registers { own.destroy(frames) }
    vm.value.state.serialPort?.value.consolePort.value.disconnect()
    // What TLBs keep of it is under identifiers that no entry uses before they have been flushed (ASIDPool).
    vm.value.state.nestedTable.destroy()
    vm.value.memory.giveBack { Scheduler<Self>.preemptionPoint() }
    // SAFETY: no CPU has the VM's state loaded, and nothing names it any more; the console has let go of the port.
    if let port = vm.value.state.serialPort { unsafe port.destroy() }
    if let clock = vm.value.state.clock { unsafe clock.destroy() }
    // SAFETY: as above.
    unsafe vm.destroy()
  }

  /// While a VM's time stands still no vCPU of it runs; what was on the counter then is on it again afterwards.
  public static func setTime(of vm: Reference<VM<Self>>, isRunning: Bool) {
    if isRunning {
      guard let stoppedAt = vm.value.state.stoppedAt else { return }
      vm.value.state.counterOffset = counter &- stoppedAt
      vm.value.state.stoppedAt = nil
      for vcpu in vm.value.vcpus {
        vcpu.value.state.registers.vmcb[VMCB.tscOffset] = 0 &- vm.value.state.counterOffset
      }
    } else if vm.value.state.stoppedAt == nil {
      vm.value.state.stoppedAt = guestCounter(of: vm)
    }
  }

  public static func vcpuIndex(of target: UInt64, in vm: Reference<VM<Self>>) -> Int? {
    target < UInt64(vm.value.vcpus.count) ? Int(target) : nil
  }

  /// On a PC a guest is told what it has by ACPI tables; they travel the same way, with what its start needs.
  public static func makeDeviceTree(for vm: Reference<VM<Self>>, manifest: borrowing VMManifest) -> [UInt8] {
    GuestTables.make(
      at: manifest.deviceTree.address.rawValue, manifest: manifest, memory: vm.value.memory,
      counterHz: counterFrequencyHz)
  }
}
