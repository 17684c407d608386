import Devices
import Kernel
import Virtualization

/// A VM's Goldfish clock.
public struct Clock: ~Copyable {
  /// Lock order: outside of the run queues' locks, which are taken to wake vCPUs.
  private let clock: Locked<GoldfishRTC<SourceLine, TimeOfDay>>

  private init(line: SourceLine) { clock = Locked(GoldfishRTC(line: line, clock: TimeOfDay())) }

  static func make(line: SourceLine) -> Reference<Clock> { Reference.make(Clock(line: line)) }

  func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    clock.withLock { $0.read(offset: offset, width: width) }
  }

  func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    clock.withLock { $0.write(offset: offset, width: width, value: value) }
  }

  func reset() { clock.withLock { $0.reset() } }
}

/// The time of day in nanoseconds since 1970. It goes on while the VM is paused or reset: no counter of the guest's follows
/// it.
public struct TimeOfDay: NanosecondsClock {
  public var nanoseconds: UInt64 {
    RISCV64.currentCPU.value.local.machine.value.nanosecondsAtCounterZero &+ Self.nanoseconds(ofTicks: RISCV64.counter)
  }

  static func nanoseconds(ofTicks ticks: UInt64) -> UInt64 {
    let frequency = RISCV64.counterFrequencyHz
    // Whole seconds first: the product of all ticks would not fit.
    return ticks / frequency &* 1_000_000_000 &+ ticks % frequency &* 1_000_000_000 / frequency
  }
}
