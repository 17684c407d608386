import Devices
import Kernel
import Virtualization

/// A VM's Goldfish clock.
public struct Clock: ~Copyable {
  /// Lock order: outside of the run queues' locks, which are taken to wake vCPUs.
  private let clock: Locked<GoldfishRTC<SourceLine, GuestNanoseconds>>

  private init(line: SourceLine) { clock = Locked(GoldfishRTC(line: line, clock: GuestNanoseconds(vm: line.vm))) }

  static func make(line: SourceLine) -> Reference<Clock> { Reference.make(Clock(line: line)) }

  func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    clock.withLock { $0.read(offset: offset, width: width) }
  }

  func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    clock.withLock { $0.write(offset: offset, width: width, value: value) }
  }

  func reset() { clock.withLock { $0.reset() } }
}

/// A VM's time of day: it begins with the machine's own, and stands still while the VM is paused.
public struct GuestNanoseconds: NanosecondsClock {
  let vm: Reference<VM<RISCV64>>

  public var nanoseconds: UInt64 {
    let frequency = RISCV64.counterFrequencyHz
    let ticks = RISCV64.guestCounter(of: vm)
    // Whole seconds first: the product of all ticks would not fit.
    return RISCV64.currentCPU.value.local.machine.value.nanosecondsAtBoot &+ ticks / frequency &* 1_000_000_000 &+ ticks
      % frequency &* 1_000_000_000 / frequency
  }
}
