import DeviceTree
import Kernel
import Manifest
import Synchronization
import Virtualization

/// The virtual machine monitor: makes the VMs that the bundle describes, starts them, and waits for the last to stop.
public struct VMM<A: VMMArchitecture>: ~Copyable {
  public let console: Reference<Console<A>>
  let frames: FrameAllocator<A>
  /// Whose frames do not count when VMs give theirs back; nil where objects come from elsewhere.
  private let heap: Heap<A>?
  /// Every VM of the bundle, in its order, those that could not be made too. Filled by `initialize`.
  public private(set) var owners: [Reference<VMOwner<A>>] = []
  private var manifest: SystemManifest?
  /// VMs of the bundle that are not in `owners` because their manifest was not accepted, and those that did not start.
  private var missingVMs = 0
  /// Bytes of frames that making the VMs has taken.
  private var vmByteCount: UInt64 = 0
  /// Bytes of frames that are taken when all VMs are gone, as it was when the first was started.
  private var restByteCount: UInt64 = 0

  /// VMs that have been started and have not stopped for good. Raised before a vCPU can run.
  let runningVMs = Atomic<Int>(0)
  /// The task that waits for `runningVMs` to become 0.
  private var waiter: Reference<Task<A>>?

  /// - Parameter heap: What objects are allocated from, where that takes its frames from `frames`.
  public init(console: Reference<Console<A>>, frames: FrameAllocator<A>, heap: Heap<A>?) {
    self.console = console
    self.frames = frames
    self.heap = heap
  }

  // MARK: - init

  /// Reads the manifest and makes each VM: memory, images, vCPUs and their tasks. One bad VM is told and skipped.
  /// - Returns: false where the bundle itself is unusable.
  public mutating func initialize(
    _ own: Reference<Self>, bundle: Bundle, cpus: [Reference<PhysicalCPU<A>>]
  ) -> Bool {
    let manifest: SystemManifest
    do throws(ManifestError) {
      // SAFETY: the bundle stays where it is.
      manifest = try unsafe SystemManifest(bundle: bundle.manifestBytes, architecture: A.manifestArchitecture) {
        index, error in
        own.value.console.value.print("apus: vm \(index + 1) of the bundle is skipped: \(error.reason)")
        own.value.missingVMs += 1
      }
    } catch {
      console.value.print("apus: the bundle is unusable: \(error.reason)")
      return false
    }
    self.manifest = manifest
    let before = takenByteCount
    for index in manifest.vms.indices {
      let port = Reference.make(ConsolePort(name: "\(manifest.vms[index].name)"))
      console.value.ports.append(port)
      let owner = Reference.make(
        VMOwner<A>(manifest: manifest.vms[index], bundle: bundle, console: console, vmm: own, port: port))
      owners.append(owner)
      do throws(VMError) {
        try make(owner, id: index, cpus: cpus)
      } catch {
        owner.value.fail(because: error.reason)
        console.value.print("apus: vm \(owner.value.name) is skipped: \(error.reason)")
      }
    }
    console.value.print("apus: all VMs are made, \(frames.freeByteCount >> 10) KiB left free")
    vmByteCount = takenByteCount - before
    return true
  }

  /// What is made before an error stays until the VM is destroyed.
  private func make(
    _ owner: Reference<VMOwner<A>>, id: Int, cpus: [Reference<PhysicalCPU<A>>]
  ) throws(VMError) {
    let manifest = owner.value.manifest
    let memory = try takeMemory(manifest)
    let vm = try A.makeVM(id: id, manifest: manifest, memory: memory, port: owner.value.port, console: console)
    guard VMOwner<A>.begin(owner, leading: vm, on: cpus[id % cpus.count]) else {
      owner.value.port.value.disconnect()
      A.destroyVM(vm)
      throw .outOfMemory
    }
    for index in manifest.vcpus.indices { vm.value.vcpus.append(A.makeVCPU(index: index, of: vm)) }
    try VMOwner<A>.load(manifest, from: owner.value.bundle, into: vm)
    for index in vm.value.vcpus.indices {
      let vcpu = vm.value.vcpus[index]
      let cpu = Self.choose(for: CPUSet(rawValue: manifest.vcpus[index].affinity), among: cpus)
      cpu.value.assignedTasks += 1
      let console = console
      vm.value.vcpuTasks.add(1, ordering: .relaxed)
      vcpu.value.task = Scheduler<A>.spawn(
        name: "VM[\(id)]-VCpu[\(index)]", on: cpu, urgency: .guest,
        body: { VCPULoop<A>.main(vcpu, console: console) })
      guard vcpu.value.task != nil else {
        vm.value.vcpuTasks.subtract(1, ordering: .relaxed)
        throw .outOfMemory
      }
    }
    owner.value.becomeReady()
  }

  private func takeMemory(_ manifest: borrowing VMManifest) throws(VMError) -> GuestMemory<A> {
    do throws(GuestMemoryError) {
      return try GuestMemory<A>(manifest.memory, from: frames)
    } catch {
      throw error == .outOfFrames ? .outOfMemory : .unsupported
    }
  }

  /// The CPU of the mask with the fewest vCPUs; any CPU for an empty mask, or one that names none that is there.
  private static func choose(
    for affinity: CPUSet, among cpus: [Reference<PhysicalCPU<A>>]
  ) -> Reference<PhysicalCPU<A>> {
    var best: Reference<PhysicalCPU<A>>?
    for cpu in cpus where affinity.contains(cpu.value.index) {
      if cpu.value.assignedTasks < best?.value.assignedTasks ?? .max { best = cpu }
    }
    if let best { return best }
    for cpu in cpus where cpu.value.assignedTasks < best?.value.assignedTasks ?? .max { best = cpu }
    guard let best else { fatalError("no physical CPU") }
    return best
  }

  // MARK: - start

  /// Starts every VM that is to start by itself and waits until none runs any more.
  public mutating func start() {
    waiter = Scheduler<A>.current
    restByteCount = takenByteCount - vmByteCount
    runningVMs.add(1, ordering: .sequentiallyConsistent)  // until all have been told to start
    for owner in owners where owner.value.manifest.autostart && owner.value.state.load(ordering: .relaxed) == .ready {
      let result = owner.value.perform(.start)
      guard result != .done else { continue }
      owner.value.tell(.start, result)
      missingVMs += 1
    }
    vmStopped()
    Scheduler<A>.park { runningVMs.load(ordering: .sequentiallyConsistent) == 0 }
  }

  func vmStopped() {
    if runningVMs.subtract(1, ordering: .sequentiallyConsistent).newValue == 0, let waiter {
      Scheduler<A>.wake(waiter)
    }
  }

  /// Whether to turn the machine off now.
  public var isPowerOffWanted: Bool { manifest?.whenAllStopped ?? .powerOff == .powerOff }

  // MARK: - The end

  /// Destroys every VM, and looks whether all frames are back.
  /// - Returns: whether they are.
  private func destroyVMs() -> Bool {
    var isGood = true
    for owner in owners where owner.value.vm != nil {
      let result = owner.value.perform(.destroy)
      if result != .done {
        isGood = false
        owner.value.tell(.destroy, result)
      }
    }
    // The tasks' last stacks go back when their CPUs are off them.
    let deadline = A.counter &+ A.counterFrequencyHz
    while takenByteCount != restByteCount, A.counter < deadline {
      Scheduler<A>.park(deadline: A.counter &+ A.counterFrequencyHz / 1000) { false }
    }
    let rest = takenByteCount
    if rest == restByteCount {
      console.value.print("apus: all VMs are destroyed, and their \(vmByteCount >> 10) KiB are free again")
    } else {
      isGood = false
      console.value.print("apus: all VMs are destroyed, but \(Int(rest) - Int(restByteCount)) bytes are not free again")
    }
    return isGood
  }

  /// Bytes of frames that somebody but the heap has.
  private var takenByteCount: UInt64 { frames.allocatedByteCount - (heap?.frameByteCount ?? 0) }

  /// Destroys the VMs, unless they are to stay. The last lines: how each VM ended, and whether that is well, marked with
  /// the token the user's side has given.
  public func tellVerdict(token: LogText) {
    var isGood = !owners.isEmpty && missingVMs == 0
    if isPowerOffWanted, !owners.isEmpty, !destroyVMs() { isGood = false }
    Console.finish(console)
    for owner in owners {
      let end = owner.value.end
      console.value.print("apus: vm \(owner.value.name): \(end.words)")
      if !end.isGood { isGood = false }
    }
    if isGood {
      console.value.print("apus: verdict \(token) ok")
    } else {
      console.value.print("apus: verdict \(token) failed")
    }
  }
}
