import CRISCV64
import Kernel
import Virtualization

/// The architecture: HS-mode with the hypervisor extension, SBI below, a PLIC.
public enum RISCV64 {}

/// The architecture's own part of the per-CPU area.
public struct RISCV64CPULocal: ~Copyable {
  let machine: Reference<Machine>
  /// Whose state is in this hart's registers; it stays there until another vCPU needs them. Touched by this hart alone.
  var loadedVCPU: Reference<VCPU<RISCV64>>?
  /// The last vCPU that ran here, by whose numbers the hart may still keep translations. Compared, never followed.
  var lastVCPU: Reference<VCPU<RISCV64>>?
}

extension RISCV64: PhysicalMemory {
  @unsafe public static func pointer(to address: HostPhysicalAddress) -> UnsafeMutableRawPointer {
    // SAFETY: the caller owns the frame, so it is RAM, and all RAM is in the direct map.
    unsafe AddressMap.pointer(to: address)
  }
}

extension RISCV64: CPUArchitecture {
  public typealias CPULocal = RISCV64CPULocal

  @inline(__always) public static var currentCPU: Reference<PhysicalCPU<Self>> {
    // SAFETY: tp is set to the per-CPU area before any Swift that could ask, and guests get their own while they run.
    unsafe Reference(UnsafeMutablePointer(bitPattern: UInt(read_tp())).unsafelyUnwrapped)
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
    let pointer = base + UInt(StackWindow.byteCount) - 112
    // SAFETY: mapped just above; fourteen words end at the stack's end.
    guard let words = unsafe UnsafeMutablePointer<UInt>(bitPattern: pointer) else { return nil }
    // What `stack_switch` takes off: s11 down to s0 from the second word on, then ra.
    for index in 0..<14 { unsafe words[index] = 0 }
    unsafe words[11] = argument  // s1
    unsafe words[13] = UInt(image_task_trampoline())
    return TaskStack(initialPointer: pointer, base: base, memory: memory)
  }

  @unsafe public static func freeStack(_ stack: TaskStack) {
    let machine = currentCPU.value.local.machine
    machine.value.stacks.unmap(stack.base)
    machine.value.frames.free(stack.memory, Machine.stackOrder)
  }

  public static var counter: UInt64 { read_time() }
  public static var counterFrequencyHz: UInt64 { currentCPU.value.local.machine.value.identity.timebaseHz }

  public static func setTimer(deadline: UInt64) {
    if currentCPU.value.local.machine.value.identity.hasSstc {
      write_stimecmp(deadline)
    } else {
      MachineFirmware.setTimer(deadline)
    }
  }

  public static func notify(cpu: Reference<PhysicalCPU<Self>>) {
    riscv64_fence()
    MachineFirmware.sendIPI(toHart: cpu.value.hardwareID)
  }

  public static func waitForInterrupt() {
    riscv64_fence_io()
    // A guest's own interrupts would end the wait at once and for ever: nobody is here to take them.
    let guestInterrupts = read_hie()
    write_hie(0)
    riscv64_wfi()
    write_hie(guestInterrupts)
    handleInterrupts()
  }

  public static func relax() { riscv64_pause() }
}

/// Interrupts of HS-mode, as bits of `sie` and `sip` (RISC-V privileged architecture, "sip and sie").
struct SupervisorInterrupts: OptionSet {
  let rawValue: UInt64
  static let software = Self(rawValue: 1 << 1)  // another hart wants attention
  static let timer = Self(rawValue: 1 << 5)  // the hypervisor's own timer
  static let external = Self(rawValue: 1 << 9)  // the interrupt controller
}

extension RISCV64 {
  /// Takes and handles every interrupt that is pending on this hart.
  public static func handleInterrupts() {
    // A source that never falls silent gets its next turn at the next exit.
    for _ in 0..<16 {
      let pending = SupervisorInterrupts(rawValue: read_sip() & read_sie())
      if pending.isEmpty { return }
      // The sender has said elsewhere what for.
      if pending.contains(.software) { clear_sip(SupervisorInterrupts.software.rawValue) }
      if pending.contains(.timer) { Scheduler<Self>.timerFired() }
      if pending.contains(.external) { currentCPU.value.local.machine.value.takeExternalInterrupt() }
    }
  }
}
