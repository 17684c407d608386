import Kernel
import Manifest
import Synchronization
import VMM
import Virtualization

extension SimulatedArchitecture: VirtualizationArchitecture {
  public typealias VCPUState = SimulatedVCPU
  public typealias VMState = SimulatedVM
  public typealias Device = SimulatedDevice

  public enum ArchExit {
    case special
  }

  public static func run(_ vcpu: Reference<VCPU<Self>>) -> VMExit<ArchExit> {
    let simulation = Simulation.current
    simulation.point()
    simulation.check(entering: vcpu)
    let state = vcpu.value.state
    let cpu = SimulatedThread.current.cpu
    state.entries += 1
    if state.isInterruptPending { state.interrupts += 1 }
    state.isInterruptPending = false
    if cpu.hasInterrupt(at: simulation.time) { return .interrupt }
    if let rest = state.rest {
      state.rest = nil
      return compute(rest, state)
    }
    state.steps += 1
    return take(simulation.guest(vcpu), of: vcpu, state)
  }

  private static func take(
    _ step: GuestStep, of vcpu: Reference<VCPU<Self>>, _ state: SimulatedVCPU
  ) -> VMExit<ArchExit> {
    let vm = vcpu.value.vm
    switch step {
    case .compute(let ticks): return compute(ticks, state)
    case .computeForEver: return compute(.max, state)
    case .ignoreEverything(let isOver):
      while !isOver() { Simulation.current.compute(upTo: 4) }
      return .handled
    case .halt(let ticks):
      if let ticks { state.timer = vm.value.state.clock(at: Simulation.current.time) + ticks }
      return .halt
    case .yield: return .yield
    case .cpuUp(let target): return .cpuUp(target: target, entry: SimulatedGuest.entry, argument: target)
    case .cpuUpAtNoMemory(let target): return .cpuUp(target: target, entry: GuestPhysicalAddress(0), argument: 0)
    case .cpuDown: return .cpuDown
    case .systemDown(let kind): return .systemDown(kind)
    case .interrupt(let target):
      interrupt(vm.value.vcpus[target])
      return .handled
    case .write(let byte): return .mmio(access(SimulatedDevice.base, .write(UInt64(byte))))
    case .read: return .mmio(access(SimulatedDevice.base, .read))
    case .readNothing: return .mmio(access(SimulatedDevice.base - 4096, .read))
    case .stopWithCode(let code): return .hypercall(.stop(code: code))
    case .fault: return .fault(GuestFault(kind: .undecodable, programCounter: 4, address: 5, syndrome: 6))
    case .special: return .arch(.special)
    }
  }

  private static func access(_ address: UInt64, _ direction: MMIOAccess.Direction) -> MMIOAccess {
    MMIOAccess(address: GuestPhysicalAddress(address), width: .byte, direction: direction)
  }

  /// The guest computes until it is done or an interrupt makes it exit.
  private static func compute(_ ticks: UInt64, _ state: SimulatedVCPU) -> VMExit<ArchExit> {
    let simulation = Simulation.current
    let cpu = SimulatedThread.current.cpu
    var left = ticks
    while left > 0 {
      let start = simulation.time
      simulation.compute(upTo: min(left, 200))
      let spent = simulation.time - start
      state.spent += spent
      if left != .max { left -= min(left, max(spent, 1)) }
      if cpu.hasInterrupt(at: simulation.time) {
        state.rest = left
        return .interrupt
      }
    }
    return .handled
  }

  private static func interrupt(_ vcpu: Reference<VCPU<Self>>) {
    vcpu.value.state.isInterruptPending = true
    Simulation.current.point()
    vcpu.value.notify()
  }

  public static func handle(_ exit: ArchExit, of vcpu: Reference<VCPU<Self>>) -> VMExit<ArchExit> { .handled }

  public static func reset(_ vcpu: Reference<VCPU<Self>>, entry: GuestPhysicalAddress, argument: UInt64) {
    let state = vcpu.value.state
    Simulation.current.point()
    if state.isOn { Simulation.current.fail("vCPU \(state.index) is turned on twice") }
    state.isOn = true
    state.activations += 1
    state.steps = 0
    state.rest = nil
    state.timer = .max
    state.isInterruptPending = false
    state.interrupts = 0
    state.badAccesses = 0
    state.argument = argument
    if entry != SimulatedGuest.entry { Simulation.current.fail("vCPU \(state.index) begins at \(entry)") }
  }

  public static func turnOff(_ vcpu: Reference<VCPU<Self>>) {
    Simulation.current.point()
    if !vcpu.value.state.isOn { Simulation.current.fail("vCPU \(vcpu.value.index) is turned off twice") }
    vcpu.value.state.isOn = false
  }

  public static func hasPendingInterrupt(_ vcpu: Reference<VCPU<Self>>) -> Bool {
    let state = vcpu.value.state
    Simulation.current.point()
    return state.isInterruptPending || state.timer <= vcpu.value.vm.value.state.clock(at: Simulation.current.time)
  }

  public static func nextTimerDeadline(_ vcpu: Reference<VCPU<Self>>) -> UInt64 {
    let timer = vcpu.value.state.timer
    return timer == .max ? .max : timer + vcpu.value.vm.value.state.offset
  }

  public static func vcpuIndex(of target: UInt64, in vm: Reference<VM<Self>>) -> Int? {
    target < UInt64(vm.value.vcpus.count) ? Int(target) : nil
  }

  public static func complete(_ access: MMIOAccess, of vcpu: Reference<VCPU<Self>>, value: UInt64) {
    if case .read = access.direction, value != 0 { vcpu.value.state.input.append(UInt8(truncatingIfNeeded: value)) }
  }

  public static func refuse(_ access: MMIOAccess, of vcpu: Reference<VCPU<Self>>) -> GuestFault? {
    let state = vcpu.value.state
    state.badAccesses += 1
    guard state.badAccesses > 3 else { return nil }
    return GuestFault(kind: .repeatedFault, programCounter: 0, address: access.address.rawValue, syndrome: 0)
  }

  public static func answer(_ result: CallResult, to vcpu: Reference<VCPU<Self>>) {
    vcpu.value.state.answers.append(result)
  }
}

/// Where a simulated guest's image lies and begins.
public enum SimulatedGuest {
  public static let memoryBase: UInt64 = 0x4000_0000
  public static let entry = GuestPhysicalAddress(memoryBase)
}

extension SimulatedArchitecture: VMMArchitecture {
  public static var manifestArchitecture: Manifest.Architecture { .aarch64 }

  public static func makeVM(
    id: Int, manifest: borrowing VMManifest, memory: consuming GuestMemory<Self>, port: Reference<ConsolePort>,
    console: Reference<Console<Self>>
  ) throws(VMError) -> Reference<VM<Self>> {
    let simulation = Simulation.current
    var memory = memory
    simulation.point()
    guard let frame = simulation.frames.allocate(.frame) else {
      memory.giveBack {}
      throw .outOfMemory
    }
    let vm = Reference.make(
      VM<Self>(id: id, name: port.value.name, memory: memory, state: SimulatedVM(frame: frame)))
    for device in manifest.devices {
      guard let range = GuestPhysicalRange(base: device.base, byteCount: device.byteCount) else { continue }
      do throws(DeviceBusError) {
        try vm.value.bus.add(SimulatedDevice(vm: vm, port: port, console: console), at: range)
      } catch {
        destroyVM(vm)
        throw .deviceOverlap
      }
      connect(port, to: vm)
    }
    return vm
  }

  private static func connect(_ port: Reference<ConsolePort>, to vm: Reference<VM<Self>>) {
    let input: (UInt8) -> Bool = { byte in
      guard vm.value.state.typed.count < 4 else { return false }
      vm.value.state.typed.append(byte)
      if let vcpu = vm.value.vcpus.first { interrupt(vcpu) }
      return true
    }
    port.value.connect(SerialConnection(input: input, drained: {}))
  }

  public static func makeVCPU(index: Int, of vm: Reference<VM<Self>>) -> Reference<VCPU<Self>> {
    Reference.make(VCPU(vm: vm, index: index, state: SimulatedVCPU(index: index)))
  }

  public static func resetVM(_ vm: Reference<VM<Self>>) {
    Simulation.current.checkAllOff(vm)
    vm.value.state.resets += 1
    vm.value.state.typed = []
    vm.value.state.stoppedAt = 0
  }

  public static func publish(_ range: GuestPhysicalRange, of vm: Reference<VM<Self>>) {}

  public static func destroyVM(_ vm: Reference<VM<Self>>) {
    let simulation = Simulation.current
    simulation.checkAllOff(vm)
    for vcpu in vm.value.vcpus { vcpu.destroy() }
    vm.value.memory.giveBack { Scheduler<Self>.preemptionPoint() }
    simulation.frames.free(vm.value.state.frame, .frame)
    vm.destroy()
  }

  public static func makeDeviceTree(for vm: Reference<VM<Self>>, manifest: borrowing VMManifest) -> [UInt8] { [] }

  public static func setTime(of vm: Reference<VM<Self>>, isRunning: Bool) {
    let simulation = Simulation.current
    simulation.point()
    let state = vm.value.state
    if isRunning {
      guard let stoppedAt = state.stoppedAt else { return }
      state.offset = simulation.time - stoppedAt
      state.stoppedAt = nil
    } else if state.stoppedAt == nil {
      simulation.checkNoneInGuest(vm)
      state.stoppedAt = simulation.time - state.offset
    }
  }

  public static func consoleWrite(byte: UInt8) { Simulation.current.consoleOutput.append(byte) }

  public static func consoleRead() -> UInt8? {
    let simulation = Simulation.current
    return simulation.consoleInput.isEmpty ? nil : simulation.consoleInput.removeFirst()
  }

  public static func powerOff() -> Never { Simulation.current.end() }
}

// MARK: - What must hold whenever a guest runs

extension Simulation {
  func check(entering vcpu: Reference<VCPU<SimulatedArchitecture>>) {
    let vm = vcpu.value.vm
    if vcpu.value.task?.value.cpu.value.local !== SimulatedThread.current.cpu { fail("a vCPU runs on another CPU") }
    if !vcpu.value.state.isOn { fail("vCPU \(vcpu.value.index) is entered while it is off") }
    if vm.value.state.stoppedAt != nil { fail("vCPU \(vcpu.value.index) is entered while its VM's time stands still") }
    if vm.value.activeVCPUs.load(ordering: .relaxed) < 1 { fail("a vCPU runs in a VM that counts none") }
  }

  func checkAllOff(_ vm: Reference<VM<SimulatedArchitecture>>) {
    for vcpu in vm.value.vcpus where vcpu.value.state.isOn {
      fail("vCPU \(vcpu.value.index) is on while its VM is taken down")
    }
  }

  func checkNoneInGuest(_ vm: Reference<VM<SimulatedArchitecture>>) {
    for vcpu in vm.value.vcpus where vcpu.value.isInGuest.load(ordering: .relaxed) {
      // A vCPU may say so for the moment in which it finds that it must not enter.
      if vm.value.control.load(ordering: .relaxed).isRun { fail("time stops while vCPU \(vcpu.value.index) runs") }
    }
  }
}
