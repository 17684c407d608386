import Devices
import Kernel
import Synchronization

/// A VM's end of the console, as its serial port sees it.
public struct PortSink<A: VMMArchitecture>: CharacterSink {
  public let port: Reference<ConsolePort>
  let console: Reference<Console<A>>

  public init(port: Reference<ConsolePort>, console: Reference<Console<A>>) {
    self.port = port
    self.console = console
  }

  public func put(_ byte: UInt8) -> Bool {
    guard port.value.output.push(byte) else {
      port.value.wantsRoom.store(true, ordering: .sequentiallyConsistent)
      console.value.wake()
      return false
    }
    if byte == 0x0a { port.value.hasLine.store(true, ordering: .relaxed) }
    console.value.wake()
    return true
  }
}
