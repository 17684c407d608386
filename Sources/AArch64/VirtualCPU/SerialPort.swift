import Devices
import Kernel
import Virtualization

public struct SerialPort: ~Copyable {
  let sink: PortSink
  static func make(line: SharedLine, sink: PortSink) -> Reference<SerialPort> { Reference.make(SerialPort(sink: sink)) }
  func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    offset == 0x18 ? 0x90 : offset >= 0xfe0 ? [0x11, 0x10, 0x14, 0, 0xd, 0xf0, 5, 0xb1][Int((offset - 0xfe0) / 4)] : 0
  }
  func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    if offset == 0 { _ = sink.put(UInt8(truncatingIfNeeded: value)) }
  }
  func receive(_ b: UInt8) -> Bool { true }
  func sinkHasRoom() {}
  func reset() {}
}
public struct Clock: ~Copyable {
  static func make(line: SharedLine) -> Reference<Clock> { Reference.make(Clock()) }
  func read(offset: UInt64, width: AccessWidth) -> UInt64 { 0 }
  func write(offset: UInt64, width: AccessWidth, value: UInt64) {}
  func reset() {}
}
