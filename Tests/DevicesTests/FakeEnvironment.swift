@testable import Devices

final class FakeLine: InterruptLine {
  private(set) var isAsserted = false
  /// Changes of level.
  private(set) var changeCount = 0
  /// Calls that told the line what it knew.
  private(set) var repetitionCount = 0

  func set(isAsserted: Bool) {
    if isAsserted != self.isAsserted { changeCount += 1 } else { repetitionCount += 1 }
    self.isAsserted = isAsserted
  }
}

/// A sink that takes `room` more characters.
final class FakeSink: CharacterSink {
  private(set) var bytes: [UInt8] = []
  var room: Int

  init(room: Int = .max) { self.room = room }

  func put(_ byte: UInt8) -> Bool {
    guard room > 0 else { return false }
    room -= 1
    bytes.append(byte)
    return true
  }
}

final class FakeClock: SecondsClock {
  var seconds: UInt64 = 1_577_836_800  // 2020-01-01
}

final class FakeNanosecondsClock: NanosecondsClock {
  var nanoseconds: UInt64 = 1_577_836_800_000_000_000  // 2020-01-01
}

final class FakePowerSwitch: PowerSwitch {
  private(set) var requests: [PowerRequest] = []
  func request(_ request: PowerRequest) { requests.append(request) }
}
