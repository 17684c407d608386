import Kernel
import Synchronization
import Virtualization

/// A vCPU task's life: waits to be started, runs the guest until the vCPU is off or its VM stops, and waits again.
enum VCPULoop<A: VMMArchitecture> {
  static func main(_ vcpu: Reference<VCPU<A>>, console: Reference<Console<A>>) {
    let vm = vcpu.value.vm
    while true {
      Scheduler<A>.park {
        vcpu.value.power.load(ordering: .sequentiallyConsistent) == .starting
          || vm.value.isRetired.load(ordering: .sequentiallyConsistent)
      }
      if vm.value.isRetired.load(ordering: .sequentiallyConsistent) {
        vm.value.vcpuTasks.subtract(1, ordering: .sequentiallyConsistent)
        vm.value.notifyOwner()
        return
      }
      A.reset(vcpu, entry: vcpu.value.entry, argument: vcpu.value.argument)
      vcpu.value.power.store(.on, ordering: .sequentiallyConsistent)
      run(vcpu, of: vm, console: console)
      A.turnOff(vcpu)
      leave(vcpu, of: vm)
    }
  }

  /// Off from here on. The last one out tells the owner.
  private static func leave(_ vcpu: Reference<VCPU<A>>, of vm: Reference<VM<A>>) {
    vcpu.value.power.store(.off, ordering: .sequentiallyConsistent)
    let wasLast = vm.value.activeVCPUs.subtract(1, ordering: .sequentiallyConsistent).newValue == 0
    if wasLast, vm.value.control.load(ordering: .sequentiallyConsistent) == .run {
      vm.value.requestStop(.shutDown)  // every vCPU has turned itself off
    } else {
      vm.value.notifyOwner()
    }
  }

  /// The loop: run, handle the exit, look whether to stop.
  private static func run(_ vcpu: Reference<VCPU<A>>, of vm: Reference<VM<A>>, console: Reference<Console<A>>) {
    vcpu.value.statistics.time.begin(at: A.counter)
    while true {
      vcpu.value.isInGuest.store(true, ordering: .sequentiallyConsistent)
      guard vm.value.control.load(ordering: .sequentiallyConsistent) == .run, !A.currentCPU.value.isRescheduleNeeded
      else {
        vcpu.value.isInGuest.store(false, ordering: .relaxed)
        if A.currentCPU.value.isRescheduleNeeded {
          wait(vcpu, as: .waiting) { Scheduler<A>.reschedule() }
        }
        switch vm.value.control.load(ordering: .sequentiallyConsistent) {
        case .run: continue
        case .pause: pause(vcpu, of: vm)
        case .stop: return
        }
        continue
      }
      var exit = A.run(vcpu)
      vcpu.value.isInGuest.store(false, ordering: .relaxed)
      if case .arch(let special) = exit { exit = A.handle(special, of: vcpu) }
      switch exit {
      case .handled: break
      case .interrupt: A.handleInterrupts()
      case .halt: halt(vcpu, of: vm)
      case .yield: wait(vcpu, as: .waiting) { Scheduler<A>.yield() }
      case .mmio(let access): carryOut(access, of: vcpu, in: vm)
      case .cpuUp(let target, let entry, let argument):
        A.answer(startVCPU(target, at: entry, argument: argument, in: vm), to: vcpu)
      case .cpuDown: return
      case .systemDown(.powerOff): stop(vm, because: .shutDown)
      case .systemDown(.reset): stop(vm, because: .resetRequested)
      case .hypercall(let call): A.answer(carryOut(call, in: vm, console: console), to: vcpu)
      case .fault(let fault): stop(vm, because: .faulted(vcpu: vcpu.value.index, fault))
      case .arch: stop(vm, because: .faulted(vcpu: vcpu.value.index, GuestFault.unexpected))
      }
    }
  }

  /// Asks for the stop and waits until it is under way, so that the guest does nothing more.
  private static func stop(_ vm: Reference<VM<A>>, because reason: StopReason) {
    vm.value.requestStop(reason)
    Scheduler<A>.park { vm.value.control.load(ordering: .sequentiallyConsistent) == .stop }
  }

  /// The vCPU leaves the hardware, so that it takes the VM's time as it then is when it goes on.
  private static func pause(_ vcpu: Reference<VCPU<A>>, of vm: Reference<VM<A>>) {
    A.unload(vcpu)
    vm.value.pausedVCPUs.add(1, ordering: .sequentiallyConsistent)
    vm.value.notifyOwner()
    wait(vcpu, as: .parked) {
      Scheduler<A>.park { vm.value.control.load(ordering: .sequentiallyConsistent) != .pause }
    }
    vm.value.pausedVCPUs.subtract(1, ordering: .sequentiallyConsistent)
  }

  private static func halt(_ vcpu: Reference<VCPU<A>>, of vm: Reference<VM<A>>) {
    vcpu.value.statistics.halts &+= 1
    wait(vcpu, as: .parked) {
      Scheduler<A>.park(deadline: A.nextTimerDeadline(vcpu)) {
        A.hasPendingInterrupt(vcpu) || vm.value.control.load(ordering: .sequentiallyConsistent) != .run
      }
    }
  }

  /// Runs `body`, in which other tasks may have the CPU, and counts its time.
  @inline(__always) private static func wait(
    _ vcpu: Reference<VCPU<A>>, as span: TimeAccount.Span, _ body: () -> Void
  ) {
    vcpu.value.statistics.time.endHypervisor(at: A.counter)
    body()
    vcpu.value.statistics.time.end(span, at: A.counter)
  }

  private static func carryOut(_ access: MMIOAccess, of vcpu: Reference<VCPU<A>>, in vm: Reference<VM<A>>) {
    if A.carryOut(access, of: vcpu) { return }
    vcpu.value.statistics.refusedAccesses &+= 1
    if let fault = A.refuse(access, of: vcpu) { stop(vm, because: .faulted(vcpu: vcpu.value.index, fault)) }
  }

  /// CPU up: answered at the moment the start can no longer fail; the caller never waits for the other CPU.
  private static func startVCPU(
    _ target: UInt64, at entry: GuestPhysicalAddress, argument: UInt64, in vm: Reference<VM<A>>
  ) -> CallResult {
    guard let index = A.vcpuIndex(of: target, in: vm), index < vm.value.vcpus.count else { return .invalidParameters }
    guard vm.value.memory.contains(entry, byteCount: 4), entry.isAligned(to: 4) else { return .invalidAddress }
    let vcpu = vm.value.vcpus[index]
    let claim = vcpu.value.power.compareExchange(
      expected: .off, desired: .claimed, ordering: .sequentiallyConsistent)
    guard claim.exchanged else { return claim.original == .on ? .alreadyOn : .onPending }
    vcpu.value.entry = entry
    vcpu.value.argument = argument
    vm.value.activeVCPUs.add(1, ordering: .sequentiallyConsistent)
    vcpu.value.power.store(.starting, ordering: .sequentiallyConsistent)
    vcpu.value.notify()
    return .success
  }

  private static func carryOut(
    _ call: Hypercall, in vm: Reference<VM<A>>, console: Reference<Console<A>>
  ) -> CallResult {
    switch call {
    case .writeLog(let address, let byteCount):
      return console.value.log(from: vm, at: address, byteCount: byteCount)
    case .stop(let code):
      stop(vm, because: .stoppedByGuest(code: code))
      return .success
    }
  }
}
