import Devices
import Kernel
import VMM
import Virtualization

/// A VM's PL011. Every vCPU and the console task reach it.
///
/// Lock order: after the console port's; before the interrupt controller's and the run queues' locks, which the line and
/// the sink take.
public struct SerialPort: ~Copyable {
  private let uart: Locked<PL011<SharedLine, PortSink<AArch64>>>
  /// The console's end.
  let consolePort: Reference<ConsolePort>

  private init(line: SharedLine, sink: PortSink<AArch64>) {
    uart = Locked(PL011(line: line, sink: sink))
    consolePort = sink.port
  }

  /// Set-up only.
  static func make(line: SharedLine, sink: PortSink<AArch64>) -> Reference<SerialPort> {
    let port = Reference.make(SerialPort(line: line, sink: sink))
    sink.port.value.connect(
      SerialConnection(input: { port.value.receive($0) }, drained: { port.value.sinkHasRoom() }))
    return port
  }

  @inline(never) func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    uart.withLock { $0.read(offset: offset, width: width) }
  }

  @inline(never) func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    uart.withLock { $0.write(offset: offset, width: width, value: value) }
  }

  /// A character from the console; false while there is no room for it.
  func receive(_ byte: UInt8) -> Bool { uart.withLock { $0.receive(byte) } }

  /// The console has taken characters out of a full sink.
  func sinkHasRoom() { uart.withLock { $0.sinkHasRoom() } }

  func reset() { uart.withLock { $0.reset() } }
}
