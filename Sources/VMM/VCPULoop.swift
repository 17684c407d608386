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
        // The VM can be gone as soon as this is seen, so the owner looks by itself.
        vm.value.vcpuTasks.subtract(1, ordering: .sequentiallyConsistent)
        return
      }
      let run = vcpu.value.run
      A.reset(vcpu, entry: vcpu.value.entry, argument: vcpu.value.argument)
      vcpu.value.power.store(.on, ordering: .sequentiallyConsistent)
      self.run(vcpu, of: vm, console: console)
      A.turnOff(vcpu)
      leave(vcpu, of: vm, in: run)
    }
  }

  /// Off from here on. The last one out tells the owner. From the moment that it is counted out, the owner can begin
  /// another run, in which this vCPU is started.
  private static func leave(_ vcpu: Reference<VCPU<A>>, of vm: Reference<VM<A>>, in run: UInt64) {
    vcpu.value.power.store(.off, ordering: .sequentiallyConsistent)
    if vm.value.activeVCPUs.subtract(1, ordering: .sequentiallyConsistent).newValue == 0 {
      vm.value.requestStop(.shutDown, in: run)  // nobody is left who could start one; late where the VM stops anyway
    }
    vm.value.notifyOwner()
  }

  /// The loop: run, handle the exit, look whether to stop.
  private static func run(_ vcpu: Reference<VCPU<A>>, of vm: Reference<VM<A>>, console: Reference<Console<A>>) {
    vcpu.value.statistics.time.begin(at: A.counter)
    while true {
      vcpu.value.isInGuest.store(true, ordering: .sequentiallyConsistent)
      guard vm.value.control.load(ordering: .sequentiallyConsistent).isRun, !A.currentCPU.value.isRescheduleNeeded
      else {
        vcpu.value.isInGuest.store(false, ordering: .relaxed)
        if A.currentCPU.value.isRescheduleNeeded {
          wait(vcpu, as: .waiting) { Scheduler<A>.reschedule() }
        }
        let control = vm.value.control.load(ordering: .sequentiallyConsistent)
        switch control.wish {
        case .run: continue
        case .pause: pause(vcpu, of: vm, because: control)
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
      case .mmio(let access): carryOut(access, of: vcpu)
      case .cpuUp(let target, let entry, let argument):
        A.answer(startVCPU(target, at: entry, argument: argument, by: vcpu), to: vcpu)
      case .cpuDown: return
      case .systemDown(.powerOff): stop(vcpu, because: .shutDown)
      case .systemDown(.reset): stop(vcpu, because: .resetRequested)
      case .hypercall(let call): A.answer(carryOut(call, of: vcpu, console: console), to: vcpu)
      case .fault(let fault): stop(vcpu, because: .faulted(vcpu: vcpu.value.index, fault))
      case .arch: stop(vcpu, because: .faulted(vcpu: vcpu.value.index, GuestFault.unexpected))
      }
    }
  }

  /// Asks for the VM's end.
  private static func stop(_ vcpu: Reference<VCPU<A>>, because reason: StopReason) {
    vcpu.value.vm.value.requestStop(reason, in: vcpu.value.run)
    waitForStop(of: vcpu.value.vm)
  }

  /// Waits until the owner has taken notice, so that a guest that has asked for its end does nothing more.
  private static func waitForStop(of vm: Reference<VM<A>>) {
    Scheduler<A>.park { !vm.value.control.load(ordering: .sequentiallyConsistent).isRun }
  }

  /// Tells the owner that the vCPU is out of its guest, and waits for the next wish. The vCPU leaves the hardware, so that
  /// it takes the VM's time as it then is when it goes on.
  private static func pause(_ vcpu: Reference<VCPU<A>>, of vm: Reference<VM<A>>, because control: VMControl) {
    A.unload(vcpu)
    vcpu.value.acknowledged.store(control, ordering: .sequentiallyConsistent)
    vm.value.notifyOwner()
    wait(vcpu, as: .parked) {
      Scheduler<A>.park { vm.value.control.load(ordering: .sequentiallyConsistent) != control }
    }
    if vm.value.requestedStop != nil { waitForStop(of: vm) }
  }

  private static func halt(_ vcpu: Reference<VCPU<A>>, of vm: Reference<VM<A>>) {
    vcpu.value.statistics.halts &+= 1
    wait(vcpu, as: .parked) {
      Scheduler<A>.park(deadline: A.nextTimerDeadline(vcpu)) {
        A.hasPendingInterrupt(vcpu) || !vm.value.control.load(ordering: .sequentiallyConsistent).isRun
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

  private static func carryOut(_ access: MMIOAccess, of vcpu: Reference<VCPU<A>>) {
    if A.carryOut(access, of: vcpu) { return }
    vcpu.value.statistics.refusedAccesses &+= 1
    if let fault = A.refuse(access, of: vcpu) { stop(vcpu, because: .faulted(vcpu: vcpu.value.index, fault)) }
  }

  /// CPU up: answered at the moment the start can no longer fail; the caller never waits for the other CPU.
  private static func startVCPU(
    _ target: UInt64, at entry: GuestPhysicalAddress, argument: UInt64, by starter: Reference<VCPU<A>>
  ) -> CallResult {
    let vm = starter.value.vm
    guard let index = A.vcpuIndex(of: target, in: vm), index < vm.value.vcpus.count else { return .invalidParameters }
    guard vm.value.memory.contains(entry, byteCount: 4), entry.isAligned(to: A.instructionAlignment) else {
      return .invalidAddress
    }
    let vcpu = vm.value.vcpus[index]
    let claim = vcpu.value.power.compareExchange(
      expected: .off, desired: .claimed, ordering: .sequentiallyConsistent)
    guard claim.exchanged else { return claim.original == .on ? .alreadyOn : .onPending }
    vcpu.value.entry = entry
    vcpu.value.argument = argument
    vcpu.value.run = starter.value.run
    vm.value.activeVCPUs.add(1, ordering: .sequentiallyConsistent)
    vcpu.value.power.store(.starting, ordering: .sequentiallyConsistent)
    vcpu.value.notify()
    return .success
  }

  private static func carryOut(
    _ call: Hypercall, of vcpu: Reference<VCPU<A>>, console: Reference<Console<A>>
  ) -> CallResult {
    switch call {
    case .writeLog(let address, let byteCount):
      return console.value.log(from: vcpu.value.vm, at: address, byteCount: byteCount)
    case .stop(let code):
      stop(vcpu, because: .stoppedByGuest(code: code))
      return .success
    }
  }
}
