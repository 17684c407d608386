import Devices
import Kernel
import Synchronization
import VMM
import Virtualization

/// A VM's PL011. Every vCPU and the console task reach it.
///
/// Lock order: after the console port's; before the interrupt controller's and the run queues' locks, which the line and
/// the sink take.
public struct SerialPort: ~Copyable {
  private typealias Device = PL011<SharedLine, PortSink<AArch64>>

  private let uart: Locked<PL011<SharedLine, PortSink<AArch64>>>
  /// The flag register, which drivers poll: written under the lock by whoever may have changed it, read without. Relaxed:
  /// nothing else is read by way of it.
  private let flags: Atomic<UInt16>
  /// The console's end.
  let consolePort: Reference<ConsolePort>

  private init(line: SharedLine, sink: PortSink<AArch64>) {
    let device = PL011(line: line, sink: sink)
    flags = Atomic(device.flagRegister)
    uart = Locked(device)
    consolePort = sink.port
  }

  /// Set-up only.
  static func make(line: SharedLine, sink: PortSink<AArch64>) -> Reference<SerialPort> {
    let port = Reference.make(SerialPort(line: line, sink: sink))
    sink.port.value.connect(
      SerialConnection(input: { port.value.receive($0) }, drained: { port.value.sinkHasRoom() }))
    return port
  }

  @inline(__always) func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    if Device.isFlagRegister(offset: offset, width: width) {
      return UInt64(flags.load(ordering: .relaxed)) & width.mask
    }
    return readRegister(offset: offset, width: width)
  }

  @inline(never) private func readRegister(offset: UInt64, width: AccessWidth) -> UInt64 {
    change { $0.read(offset: offset, width: width) }
  }

  @inline(never) func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    change { $0.write(offset: offset, width: width, value: value) }
  }

  /// A character from the console; false while there is no room for it.
  func receive(_ byte: UInt8) -> Bool { change { $0.receive(byte) } }

  /// The console has taken characters out of a full sink.
  func sinkHasRoom() { change { $0.sinkHasRoom() } }

  func reset() { change { $0.reset() } }

  @inline(__always) private func change<Result>(_ body: (inout Device) -> Result) -> Result {
    uart.withLock {
      let result = body(&$0)
      flags.store($0.flagRegister, ordering: .relaxed)
      return result
    }
  }
}
