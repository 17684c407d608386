/// What the kernel asks of an architecture: CPUs, their stacks, one timer each, and a way to get another's attention.
///
/// The hypervisor's own code runs with interrupts masked from entry to exit. An interrupt is taken while a guest runs
/// (as an exit) or while a CPU idles (in `waitForInterrupt`), so no kernel data is ever touched by an interrupt handler.
public protocol CPUArchitecture: PhysicalMemory {
  /// The architecture's own part of the per-CPU area.
  associatedtype CPULocal: ~Copyable

  /// The per-CPU area of the CPU that runs this code.
  static var currentCPU: Reference<PhysicalCPU<Self>> { get }

  /// Saves the callee-saved registers on the stack, its pointer in `saved`, and continues where `next` was saved.
  /// - Safety: `next` was saved by this function or made by `makeInitialStack`, and no other CPU runs on it.
  @unsafe static func switchStack(saving saved: UnsafeMutablePointer<UInt>, to next: UInt)

  /// A stack, guard page below it, on which the first `switchStack` calls `Scheduler<Self>.enterTask(argument:)`.
  /// Nil where there is no memory.
  static func makeStack(argument: UInt) -> TaskStack?
  /// Gives back what `makeStack` took.
  /// - Safety: no CPU runs on the stack, nor will.
  @unsafe static func freeStack(_ stack: TaskStack)

  /// A counter that never goes back and is the same on every CPU, in ticks of `counterFrequencyHz`.
  static var counter: UInt64 { get }
  static var counterFrequencyHz: UInt64 { get }

  /// Arms this CPU's own timer, which no guest can mask, for the moment `counter` reaches `deadline`; `.max` disarms it.
  static func setTimer(deadline: UInt64)

  /// Makes `cpu` leave its guest or its idle wait soon.
  static func notify(cpu: Reference<PhysicalCPU<Self>>)

  /// Idles until an interrupt is pending, then handles all that are (`handleInterrupts`).
  static func waitForInterrupt()

  /// Tells the core that this is a spin.
  static func relax()
}

/// A task's stack as the architecture made it.
public struct TaskStack: Sendable {
  /// What `switchStack` continues from at first.
  public let initialPointer: UInt
  /// The lowest usable address.
  public let base: UInt
  public let memory: HostPhysicalAddress

  public init(initialPointer: UInt, base: UInt, memory: HostPhysicalAddress) {
    self.initialPointer = initialPointer
    self.base = base
    self.memory = memory
  }
}
