import Devices
import Kernel
import Virtualization

/// A VM's CMOS clock.
public struct Clock: ~Copyable {
  /// Lock order: nothing is taken while it is held.
  private let clock: Locked<CMOSClock<GuestSeconds>>

  private init(vm: Reference<VM<X86_64>>) { clock = Locked(CMOSClock(clock: GuestSeconds(vm: vm))) }

  /// Set-up only.
  static func make(of vm: Reference<VM<X86_64>>) -> Reference<Clock> { Reference.make(Clock(vm: vm)) }

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
  let vm: Reference<VM<X86_64>>

  public var seconds: UInt64 { X86_64.guestCounter(of: vm) / X86_64.counterFrequencyHz }
}
