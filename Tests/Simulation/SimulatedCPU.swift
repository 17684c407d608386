import Kernel

/// A physical CPU of the simulated machine: what its hardware would hold.
public final class SimulatedCPU {
  let index: Int
  /// Whose stack the CPU is on.
  var thread: SimulatedThread?
  /// The per-CPU area.
  var area: Reference<PhysicalCPU<SimulatedArchitecture>>?

  /// Another CPU wants attention. Latched until it is handled, as an interrupt is.
  var isNotified = false
  /// When the timer's line goes up; it stays up until another deadline is set.
  var timerDeadline = UInt64.max
  /// It waits for an interrupt and does nothing else.
  var isWaiting = false
  /// Until this step the CPU gets no turn unless no other can use one, as if it were slow.
  var stalledUntilStep = 0

  init(index: Int) { self.index = index }

  func hasInterrupt(at time: UInt64) -> Bool { isNotified || timerDeadline <= time }
}
