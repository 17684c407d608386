import CRISCV64
import Kernel
import Synchronization
import Virtualization

/// A vCPU's interrupts on their way to the hart that it is on.
extension RISCV64 {
  /// Before each entry. The vCPU is loaded.
  @inline(__always) static func enterInterrupts(of vcpu: Reference<VCPU<Self>>) {
    updateTimer(of: vcpu)
    if vcpu.value.state.isSoftwareRequested.load(ordering: .sequentiallyConsistent) {
      vcpu.value.state.isSoftwareRequested.store(false, ordering: .sequentiallyConsistent)
      set_hvip(VirtualInterrupts.software.rawValue)
    }
    let isSignalled = vcpu.value.vm.value.state.plic.isSignalled(vcpu.value.index)
    if isSignalled != vcpu.value.state.isExternalRaised { setExternalInterrupt(of: vcpu, isRaised: isSignalled) }
  }

  @inline(__always) private static func setExternalInterrupt(of vcpu: Reference<VCPU<Self>>, isRaised: Bool) {
    vcpu.value.state.isExternalRaised = isRaised
    if isRaised {
      set_hvip(VirtualInterrupts.external.rawValue)
    } else {
      clear_hvip(VirtualInterrupts.external.rawValue)
    }
  }

  public static func hasPendingInterrupt(_ vcpu: Reference<VCPU<Self>>) -> Bool {
    if currentCPU.value.local.loadedVCPU == vcpu {
      enterInterrupts(of: vcpu)
      return read_hip() & read_hie() & VirtualInterrupts.all.rawValue != 0
    }
    var pending = VirtualInterrupts(rawValue: vcpu.value.state.system.hvip)
    if vcpu.value.state.isSoftwareRequested.load(ordering: .sequentiallyConsistent) { pending.insert(.software) }
    if vcpu.value.vm.value.state.plic.isSignalled(vcpu.value.index) {
      pending.insert(.external)
    } else {
      pending.remove(.external)
    }
    if isTimerDue(vcpu) { pending.insert(.timer) }
    return pending.rawValue & vcpu.value.state.system.hie != 0
  }

  /// An interrupt from one vCPU to others, or to itself.
  static func sendSoftwareInterrupt(to targets: CPUSet, in vm: Reference<VM<Self>>) {
    var rest = targets
    while let index = rest.popFirst() {
      guard index < vm.value.vcpus.count else { return }
      let vcpu = vm.value.vcpus[index]
      vcpu.value.state.isSoftwareRequested.store(true, ordering: .sequentiallyConsistent)
      vcpu.value.notify()
    }
  }
}
