import Virtualization

/// What a virtual device acts on: its interrupt line and, for one that prints, where its output goes.
/// Given to the device when it is made, so that all of its behaviour is tested on the host.
public protocol InterruptLine {
  /// Sets the level of the line. Idempotent; called with the device's lock held.
  func set(isAsserted: Bool)
}

/// Where a serial port's output goes.
public protocol CharacterSink {
  /// Takes one byte. False: there is no room now, and the device keeps the byte in its own FIFO or drops it.
  func put(_ byte: UInt8) -> Bool
}

/// The time of day as the VM has it.
public protocol SecondsClock {
  /// Seconds since 1970; never goes back.
  var seconds: UInt64 { get }
}

/// The time of day as the VM has it, for a device that counts finer than seconds.
public protocol NanosecondsClock {
  /// Nanoseconds since 1970; never goes back.
  var nanoseconds: UInt64 { get }
}

/// What ends a VM or starts it again.
public protocol PowerSwitch {
  /// Does what the guest asked for, soon: the write that asked may return before.
  func request(_ request: PowerRequest)
}

/// What a guest asks of its power switch.
public enum PowerRequest: Equatable, Sendable {
  case powerOff
  case reset
  /// Off, and the guest says that it failed: a code of its own.
  case failure(UInt16)
}
