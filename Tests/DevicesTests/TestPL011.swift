import Virtualization

@testable import Devices

/// A PL011 by reference: what cannot be copied cannot stand in an expectation.
final class TestPL011 {
  private var device: PL011<FakeLine, FakeSink>

  init(line: FakeLine, sink: FakeSink) { device = PL011(line: line, sink: sink) }

  /// With FIFOs unless told otherwise, and both directions on.
  static func started(_ line: FakeLine, _ sink: FakeSink, lineControl: UInt64 = 0x70) -> TestPL011 {
    let uart = TestPL011(line: line, sink: sink)
    uart.write(offset: 0x2c, width: .word, value: lineControl)
    uart.write(offset: 0x30, width: .word, value: 0x301)
    return uart
  }

  func read(offset: UInt64, width: AccessWidth) -> UInt64 { device.read(offset: offset, width: width) }
  func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    device.write(offset: offset, width: width, value: value)
  }
  func receive(_ byte: UInt8) -> Bool { device.receive(byte) }
  func sinkHasRoom() { device.sinkHasRoom() }
  func reset() { device.reset() }
}
