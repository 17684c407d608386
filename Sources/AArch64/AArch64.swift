import CAArch64
import Kernel
import Virtualization

/// The architecture: EL2 without VHE, GICv3, generic timers.
public enum AArch64 {}

/// The architecture's own part of the per-CPU area.
public struct AArch64CPULocal: ~Copyable {
  let machine: Reference<Machine>
  /// This CPU's own GICR frames.
  let redistributor: DeviceWindow
  /// Whose state is in this CPU's registers; it stays there until another vCPU needs them. Touched by this CPU alone.
  var loadedVCPU: Reference<VCPU<AArch64>>?
}

extension AArch64: PhysicalMemory {
  @unsafe public static func pointer(to address: HostPhysicalAddress) -> UnsafeMutableRawPointer {
    // SAFETY: the caller owns the frame, so it is RAM, and all RAM is in the direct map.
    unsafe AddressMap.pointer(to: address)
  }
}

extension AArch64: CPUArchitecture {
  public typealias CPULocal = AArch64CPULocal

  public static var currentCPU: Reference<PhysicalCPU<Self>> {
    // SAFETY: TPIDR_EL2 is set to the per-CPU area before any Swift that could ask, and never changed.
    unsafe Reference(UnsafeMutablePointer(bitPattern: UInt(read_TPIDR_EL2())).unsafelyUnwrapped)
  }

  @unsafe public static func switchStack(saving saved: UnsafeMutablePointer<UInt>, to next: UInt) {
    // SAFETY: the caller's contract is this function's.
    unsafe saved.withMemoryRebound(to: UInt64.self, capacity: 1) { unsafe stack_switch($0, UInt64(next)) }
  }

  public static func makeStack(argument: UInt) -> TaskStack? {
    let machine = currentCPU.value.local.machine
    guard let memory = machine.value.frames.allocate(Machine.stackOrder) else { return nil }
    guard let base = machine.value.stacks.map(memory) else {
      machine.value.frames.free(memory, Machine.stackOrder)
      return nil
    }
    let pointer = base + UInt(StackWindow.byteCount) - 96
    // SAFETY: mapped just above; twelve words end at the stack's end.
    guard let words = unsafe UnsafeMutablePointer<UInt>(bitPattern: pointer) else { return nil }
    // What `stack_switch` takes off: X29 and X30, then X19 to X28.
    for index in 0..<12 { unsafe words[index] = 0 }
    unsafe words[1] = UInt(image_task_trampoline())
    unsafe words[2] = argument
    return TaskStack(initialPointer: pointer, base: base, memory: memory)
  }

  @unsafe public static func freeStack(_ stack: TaskStack) {
    let machine = currentCPU.value.local.machine
    machine.value.stacks.unmap(stack.base)
    machine.value.frames.free(stack.memory, Machine.stackOrder)
  }

  public static var counter: UInt64 { read_CNTPCT_EL0() }
  public static var counterFrequencyHz: UInt64 { read_CNTFRQ_EL0() }

  public static func setTimer(deadline: UInt64) {
    if deadline == .max {
      write_CNTHP_CTL_EL2(0)
    } else {
      write_CNTHP_CVAL_EL2(deadline)
      write_CNTHP_CTL_EL2(1)
    }
    aarch64_isb()
  }

  public static func notify(cpu: Reference<PhysicalCPU<Self>>) {
    PhysicalGIC.notify(affinity: cpu.value.hardwareID)
  }

  public static func waitForInterrupt() {
    aarch64_dsb_sy()
    aarch64_wfi()
    handleInterrupts()
  }

  public static func relax() { aarch64_yield() }
}

extension AArch64 {
  /// Takes and handles every interrupt that is pending on this CPU.
  public static func handleInterrupts() {
    let cpu = currentCPU
    // Each turn ends one interrupt; a source that never falls silent gets its next turn at the next exit.
    for _ in 0..<16 {
      let intid = PhysicalGIC.acknowledge()
      guard intid < PhysicalGIC.INTID.firstSpecial else { return }
      handle(intid, on: cpu)
    }
  }

  /// Ends one acknowledged interrupt.
  @inline(__always) static func handle(_ intid: UInt32, on cpu: Reference<PhysicalCPU<Self>>) {
    // Who sent it has published what for; what is read from here on is no older (IHI 0069, 4.1.1).
    aarch64_dsb_sy()
    PhysicalGIC.dropPriority(intid)
    switch intid {
    case PhysicalGIC.INTID.virtualTimer:
      takeVirtualTimer(on: cpu)  // stays active: the guest's end-of-interrupt deactivates it
      return
    case PhysicalGIC.INTID.hypervisorTimer:
      Scheduler<Self>.timerFired()
    case PhysicalGIC.INTID.maintenance:
      takeMaintenance(on: cpu)
    case PhysicalGIC.INTID.notify:
      break  // its sender has said elsewhere what for
    default:
      cpu.value.local.machine.value.takeDeviceInterrupt(intid)
    }
    PhysicalGIC.deactivate(intid)
  }
}
