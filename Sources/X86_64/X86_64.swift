import CX86_64
import Kernel
import Virtualization

/// The architecture: long mode with AMD's SVM and nested paging, local APICs, the TSC.
public enum X86_64 {}

/// The architecture's own part of the per-CPU area.
public struct X86CPULocal: ~Copyable {
  let machine: Reference<Machine>
  let anchor: CPUAnchor
  /// Physical address of where VMSAVE has put this CPU's own state, for VMLOAD behind each exit.
  let hostVMCB: HostPhysicalAddress
  /// Whose state is in this CPU's registers; it stays there until another vCPU needs them. Touched by this CPU alone.
  var loadedVCPU: Reference<VCPU<X86_64>>?
  /// Touched by this CPU alone.
  var asids: ASIDPool
}

extension X86_64: PhysicalMemory {
  @unsafe public static func pointer(to address: HostPhysicalAddress) -> UnsafeMutableRawPointer {
    // SAFETY: the caller owns the frame, so it is RAM, and all RAM is in the direct map.
    unsafe AddressMap.pointer(to: address)
  }
}

extension X86_64: CPUArchitecture {
  public typealias CPULocal = X86CPULocal

  public static var currentCPU: Reference<PhysicalCPU<Self>> {
    // SAFETY: GS leads to this CPU's anchor before any Swift that could ask, and the anchor is never changed.
    unsafe Reference(UnsafeMutablePointer(bitPattern: UInt(x86_current_cpu())).unsafelyUnwrapped)
  }

  @unsafe public static func switchStack(saving saved: UnsafeMutablePointer<UInt>, to next: UInt) {
    // SAFETY: the caller's contract is this function's.
    unsafe saved.withMemoryRebound(to: UInt64.self, capacity: 1) { unsafe x86_stack_switch($0, UInt64(next)) }
  }

  public static func makeStack(argument: UInt) -> TaskStack? {
    let machine = currentCPU.value.local.machine
    guard let memory = machine.value.frames.allocate(Machine.stackOrder) else { return nil }
    guard let base = machine.value.stacks.map(memory) else {
      machine.value.frames.free(memory, Machine.stackOrder)
      return nil
    }
    // What `x86_stack_switch` takes off: R15 to R12, RBX, RBP and where it returns to, so that the stack is aligned there.
    let offset = StackWindow.byteCount - 72
    // SAFETY: fresh frames in the direct map; only the CPU whose task this is uses them at their place in the window.
    let words = unsafe (AddressMap.pointer(to: memory) + Int(offset)).assumingMemoryBound(to: UInt64.self)
    for index in 0..<9 { unsafe words[index] = 0 }
    // SAFETY: as above.
    unsafe words[4] = UInt64(argument)
    unsafe words[6] = image_task_trampoline()
    return TaskStack(initialPointer: base + UInt(offset), base: base, memory: memory)
  }

  @unsafe public static func freeStack(_ stack: TaskStack) {
    let machine = currentCPU.value.local.machine
    machine.value.stacks.unmap(stack.base)
    machine.value.frames.free(stack.memory, Machine.stackOrder)
  }

  public static var counter: UInt64 { x86_rdtsc() }
  public static var counterFrequencyHz: UInt64 { currentCPU.value.local.machine.value.clocks.counterHz }

  public static func setTimer(deadline: UInt64) {
    let machine = currentCPU.value.local.machine
    machine.value.apic.setTimer(machine.value.clocks.timerTicks(from: counter, until: deadline))
  }

  public static func notify(cpu: Reference<PhysicalCPU<Self>>) {
    cpu.value.local.machine.value.apic.send(.notify, to: cpu.value.hardwareID)
  }

  public static func waitForInterrupt() {
    x86_wait_for_interrupt()
    handleInterrupts()
  }

  public static func relax() { x86_pause() }
}

extension X86_64 {
  /// Takes and handles every interrupt that is pending on this CPU.
  public static func handleInterrupts() {
    let cpu = currentCPU
    x86_take_interrupts()
    let anchor = cpu.value.local.anchor
    if anchor.take(.timer) { Scheduler<Self>.timerFired() }
    if anchor.take(.console) { cpu.value.local.machine.value.takeConsoleInterrupt() }
    // Its sender has said elsewhere what for.
    _ = anchor.take(.notify)
  }
}
