import Devices
import Kernel
import Virtualization

/// A VM's PL031.
public struct Clock: ~Copyable {
  /// Lock order: outside of the run queues' locks, which are taken to wake vCPUs.
  private let clock: Locked<PL031<SharedLine, GuestSeconds>>

  private init(line: SharedLine) { clock = Locked(PL031(line: line, clock: GuestSeconds(vm: line.vm))) }

  static func make(line: SharedLine) -> Reference<Clock> { Reference.make(Clock(line: line)) }

  func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    clock.withLock { $0.read(offset: offset, width: width) }
  }

  func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    clock.withLock { $0.write(offset: offset, width: width, value: value) }
  }

  func reset() { clock.withLock { $0.reset() } }
}

/// A VM's time in seconds, which stands still while the VM is paused.
public struct GuestSeconds: SecondsClock {
  let vm: Reference<VM<AArch64>>

  public var seconds: UInt64 { AArch64.guestCounter(of: vm) / AArch64.counterFrequencyHz }
}
