import Kernel
import Synchronization

/// A virtual machine: its memory, its vCPUs and its bus. Its life is led by its owner (`VMOwner`); here is what its vCPUs
/// and devices see.
public struct VM<A: VirtualizationArchitecture>: ~Copyable {
  public let id: Int
  public let name: LogText

  /// Filled at creation, then read only.
  public var vcpus: [Reference<VCPU<A>>] = []
  public var bus = DeviceBus<A.Device>()
  public var memory: GuestMemory<A>
  public var state: A.VMState

  /// What the owner wants of the vCPUs. Written by the owner alone, before it notifies them.
  public let control = Atomic<VMControl>(.stop)
  /// vCPU tasks inside their run loop. The last one out notifies the owner.
  public let activeVCPUs = Atomic<Int>(0)
  /// vCPU tasks that exist; each counts itself out when it ends.
  public let vcpuTasks = Atomic<Int>(0)
  /// vCPU tasks that have seen `pause`.
  public let pausedVCPUs = Atomic<Int>(0)
  /// The VM is being taken apart: its vCPU tasks end. Written by the owner alone.
  public let isRetired = Atomic<Bool>(false)
  /// Why the VM is to stop; the first reason stays. Ordering: its own lock; last in the lock order.
  public let stopReason = Locked<StopReason?>(nil)
  /// The owner's task: woken for every change that it waits for.
  public var ownerTask: Reference<Task<A>>?

  public init(id: Int, name: LogText, memory: consuming GuestMemory<A>, state: consuming A.VMState) {
    self.id = id
    self.name = name
    self.memory = memory
    self.state = state
  }

  /// Asks the owner to stop the VM. The first reason counts, later ones are harmless.
  public func requestStop(_ reason: StopReason) {
    stopReason.withLock { if $0 == nil { $0 = reason } }
    notifyOwner()
  }

  public func notifyOwner() {
    if let ownerTask { Scheduler<A>.wake(ownerTask) }
  }

  /// Notifies each vCPU in `set`.
  public func notify(_ set: CPUSet) {
    var rest = set
    while let index = rest.popFirst() {
      if index < vcpus.count { vcpus[index].value.notify() }
    }
  }
}

public enum VMControl: UInt8, AtomicRepresentable, Sendable {
  case run
  case pause
  case stop
}

/// Why a VM stopped.
public enum StopReason: Sendable {
  case shutDown
  case resetRequested
  case stoppedByCommand
  case stoppedByGuest(code: UInt64)
  case faulted(vcpu: Int, GuestFault)
}
