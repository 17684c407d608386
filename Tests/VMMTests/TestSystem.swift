import Kernel
import Manifest
import Simulation
import Virtualization

@testable import VMM

typealias A = SimulatedArchitecture
typealias Tasks = Scheduler<SimulatedArchitecture>

/// The hypervisor on a simulated machine, from its start to the verdict.
final class TestSystem {
  let simulation: Simulation
  let console: Reference<Console<A>>
  let vmm: Reference<VMM<A>>
  private let bundle: UnsafeMutableRawBufferPointer

  private init(_ simulation: Simulation, vms: [VMManifest]) {
    self.simulation = simulation
    console = Reference.make(Console<A>())
    vmm = Reference.make(VMM<A>(console: console, frames: simulation.frames, heap: nil))
    var manifest = SystemManifest(architecture: .aarch64, vms: vms)
    let offset = (UInt64(manifest.encode().count) + 4095) & ~4095
    manifest.bundleByteCount = offset + 4096
    for vm in manifest.vms.indices {
      for image in manifest.vms[vm].images.indices { manifest.vms[vm].images[image].bundleOffset = offset }
    }
    bundle = .allocate(byteCount: Int(offset) + 4096, alignment: 4096)
    _ = bundle.initializeMemory(as: UInt8.self, repeating: 0)
    bundle.copyBytes(from: manifest.encode())
  }

  func owner(_ index: Int) -> Reference<VMOwner<A>> { vmm.value.owners[index] }

  func vm(_ index: Int) -> Reference<VM<A>> {
    guard let vm = owner(index).value.vm else { fatalError("a VM that is gone") }
    return vm
  }

  func state(_ index: Int = 0) -> VMState { owner(index).value.state.load(ordering: .sequentiallyConsistent) }

  func perform(_ command: VMCommand, on index: Int = 0, within ticks: UInt64? = nil) -> CommandResult {
    owner(index).value.perform(command, within: ticks)
  }

  /// Has a command carried out that must be.
  func require(_ command: VMCommand, on index: Int = 0) {
    let result = perform(command, on: index)
    if result != .done { simulation.fail("\(command) of VM \(index): \(result) while it is \(state(index))") }
  }

  func random(_ range: ClosedRange<UInt64>) -> UInt64 { UInt64.random(in: range, using: &simulation.generator) }

  func sleep(_ ticks: UInt64) { Tasks.park(deadline: A.counter + ticks) { false } }

  /// Waits for something of which nobody tells.
  func wait(_ what: String, atMost ticks: UInt64 = 200_000, until condition: () -> Bool) {
    let end = simulation.time + ticks
    while !condition() {
      if simulation.time >= end { return simulation.fail("\(what) does not come to pass") }
      sleep(20)
    }
  }

  /// What the serial port has shown.
  var shown: String { String(decoding: simulation.consoleOutput, as: UTF8.self) }

  /// Starts the hypervisor with these VMs, has `operate` run once they are started (those that do so by themselves), and
  /// `atEnd` when they have all stopped.
  /// - Returns: what went wrong.
  static func run(
    seed: UInt64, cpus: Int, vms: [VMManifest], memoryByteCount: Int = 4 << 20, stepLimit: Int = 400_000,
    isGood: Bool? = nil, guest: @escaping (TestSystem, Reference<VCPU<A>>) -> GuestStep,
    operate: ((TestSystem) -> Void)? = nil, atEnd: ((TestSystem) -> Void)? = nil
  ) -> [String] {
    Simulation.run(seed: seed, cpus: cpus, memoryByteCount: memoryByteCount, stepLimit: stepLimit) { simulation in
      let before = simulation.frames.allocatedByteCount
      let stacks = simulation.stackCount
      let system = TestSystem(simulation, vms: vms)
      simulation.guest = { guest(system, $0) }
      system.live(operate, atEnd)
      let verdict = system.shown.split(separator: "\r\n").last ?? ""
      if let isGood, verdict != "apus: verdict token \(isGood ? "ok" : "failed")" {
        simulation.fail("the last line is: \(verdict)")
      }
      Tasks.park(deadline: A.counter + 2000) { simulation.stackCount == stacks }
      let left = simulation.frames.allocatedByteCount - before
      if left != 0 || simulation.stackCount != stacks {
        simulation.fail("\(left) bytes and \(simulation.stackCount - stacks) stacks are left")
      }
      system.end()
    }
  }

  private func live(_ operate: ((TestSystem) -> Void)?, _ atEnd: ((TestSystem) -> Void)?) {
    guard let base = bundle.baseAddress else { return simulation.fail("a bundle without bytes") }
    let bundle = Bundle(base: UnsafeRawPointer(base), byteCount: UInt64(bundle.count))
    guard vmm.value.initialize(vmm, bundle: bundle, cpus: simulation.areas) else {
      return simulation.fail("the bundle is unusable")
    }
    Console.open(console, vmm: vmm, on: simulation.areas[0], focus: nil)
    let count = vmm.value.owners.count
    simulation.watch = { [vmm, simulation] in
      let running = vmm.value.runningVMs.load(ordering: .relaxed)
      if running < 0 || running > count + 1 { simulation.fail("\(running) VMs run") }
    }
    var isOperating = operate != nil
    var isOver = false
    var operatorTask: Reference<Task<A>>?
    if let operate {
      let first = Tasks.current
      operatorTask = Tasks.spawn(
        name: "operator", on: simulation.areas[simulation.areas.count - 1], urgency: .system
      ) {
        operate(self)
        isOperating = false
        Tasks.wake(first)
        // Its stack is one of those that are there when the VMs start, and so when they have gone.
        Tasks.park { isOver }
      }
      if operatorTask == nil { return simulation.fail("no memory for the operator") }
    }
    vmm.value.start()
    Tasks.park { !isOperating }
    wait("the end of all VMs", atMost: 2_000_000) { vmm.value.runningVMs.load(ordering: .relaxed) == 0 }
    atEnd?(self)
    if vmm.value.runningVMs.load(ordering: .sequentiallyConsistent) != 0 { simulation.fail("a VM still runs") }
    vmm.value.tellVerdict(token: "token")
    Console.close(console)
    simulation.watch = nil
    isOver = true
    if let operatorTask { Tasks.wake(operatorTask) }
  }

  private func end() {
    simulation.guest = { _ in .halt(nil) }
    for owner in vmm.value.owners {
      owner.value.port.destroy()
      owner.destroy()
    }
    vmm.destroy()
    console.destroy()
    bundle.deallocate()
  }
}

/// A VM with 64 KiB of memory and a serial port.
func testVM(
  _ name: String, vcpus: Int = 1, cpu: Int? = nil, memory: UInt64 = 64 << 10, autostart: Bool = true,
  onReset: VMReaction = .restart, onFailure: VMReaction = .stop
) -> VMManifest {
  let entry = SimulatedGuest.entry
  guard let range = GuestPhysicalRange(base: entry, byteCount: memory) else { fatalError("a range of a test") }
  return VMManifest(
    name: Array(name.utf8),
    vcpus: Array(repeating: VCPUManifest(affinity: cpu.map { 1 << UInt64($0) } ?? 0), count: vcpus), memory: [range],
    images: [
      ImagePlacement(kind: .kernel, guestAddress: entry, bundleOffset: 0, byteCount: 4096, memoryByteCount: 8192)
    ], entry: entry, bootProtocol: .raw, deviceTree: .none, autostart: autostart, onReset: onReset,
    onFailure: onFailure, devices: [Architecture.aarch64.guestMachine.uart])
}
