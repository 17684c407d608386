import Virtualization

@testable import Devices

/// A 16550A by reference, and what it acts on: what cannot be copied cannot stand in an expectation.
final class TestNS16550 {
  let line = FakeLine()
  let sink = FakeSink()
  private var device: NS16550<FakeLine, FakeSink>
  private let stride: UInt64

  init(registerShift: Int = 0) {
    device = NS16550(line: line, sink: sink, registerShift: registerShift)
    stride = 1 << UInt64(registerShift)
  }

  /// The register with this number.
  func read(_ register: UInt64) -> UInt64 { device.read(offset: register * stride, width: .byte) }
  func write(_ register: UInt64, _ value: UInt64) {
    device.write(offset: register * stride, width: .byte, value: value)
  }

  func read(offset: UInt64, width: AccessWidth) -> UInt64 { device.read(offset: offset, width: width) }
  func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    device.write(offset: offset, width: width, value: value)
  }
  func receive(_ byte: UInt8) -> Bool { device.receive(byte) }
  func sinkHasRoom() { device.sinkHasRoom() }
  func reset() { device.reset() }
}
