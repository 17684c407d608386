import Devices
import Kernel
import Virtualization

/// A VM's PL031.
public struct Clock: ~Copyable {
  /// Lock order: outside of the run queues' locks, which are taken to wake vCPUs.
  private let clock: Locked<PL031<SharedLine, TimeOfDay>>

  private init(line: SharedLine) { clock = Locked(PL031(line: line, clock: TimeOfDay())) }

  static func make(line: SharedLine) -> Reference<Clock> { Reference.make(Clock(line: line)) }

  @inline(never) func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    clock.withLock { $0.read(offset: offset, width: width) }
  }

  @inline(never) func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    clock.withLock { $0.write(offset: offset, width: width, value: value) }
  }

  func reset() { clock.withLock { $0.reset() } }
}

/// The time of day in seconds since 1970. It goes on while the VM is paused or reset: no counter of the guest's follows it.
public struct TimeOfDay: SecondsClock {
  public var seconds: UInt64 {
    AArch64.currentCPU.value.local.machine.value.secondsAtCounterZero
      &+ AArch64.counter / AArch64.counterFrequencyHz
  }
}
