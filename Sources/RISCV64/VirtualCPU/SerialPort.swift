import Devices
import Kernel
import VMM
import Virtualization

/// A VM's NS16550. Every vCPU and the console task reach it.
///
/// Lock order: after the console port's; before the interrupt controller's and the run queues' locks, which the line and
/// the sink take.
public struct SerialPort: ~Copyable {
  private let uart: Locked<NS16550<SourceLine, PortSink<RISCV64>>>
  private let sink: PortSink<RISCV64>
  /// The console's end.
  var consolePort: Reference<ConsolePort> { sink.port }

  private init(line: SourceLine, sink: PortSink<RISCV64>) {
    uart = Locked(NS16550(line: line, sink: sink, registerShift: 0))
    self.sink = sink
  }

  /// Set-up only.
  static func make(line: SourceLine, sink: PortSink<RISCV64>) -> Reference<SerialPort> {
    let port = Reference.make(SerialPort(line: line, sink: sink))
    sink.port.value.connect(
      SerialConnection(input: { port.value.receive($0) }, drained: { port.value.sinkHasRoom() }))
    return port
  }

  @inline(__always) func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    uart.withLock { $0.read(offset: offset, width: width) }
  }

  func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    uart.withLock { $0.write(offset: offset, width: width, value: value) }
  }

  /// A character from the console; false while there is no room for it.
  func receive(_ byte: UInt8) -> Bool { uart.withLock { $0.receive(byte) } }

  /// The console has taken characters out of a full sink.
  func sinkHasRoom() { uart.withLock { $0.sinkHasRoom() } }

  /// A character by the firmware's console, past the registers; false where there is no room for it. The lock is what
  /// makes one producer of all.
  func put(_ byte: UInt8) -> Bool { uart.withLock { _ in sink.put(byte) } }

  func reset() { uart.withLock { $0.reset() } }
}
