import Devices
import Kernel
import VMM
import Virtualization

/// What can stand on a VM's buses here.
public enum X86Device: BusDevice {
  case localAPIC(Reference<VM<X86_64>>)
  case ioAPIC(Reference<VM<X86_64>>)
  case serialPort(Reference<SerialPort>)
  case clock(Reference<Clock>)
  case powerManagement(Reference<VM<X86_64>>)

  @inline(__always) public func read(offset: UInt64, width: AccessWidth, by vcpu: Int) -> UInt64 {
    switch self {
    case .localAPIC(let vm): return X86_64.readAPICPage(offset, width, of: vm.value.vcpus[vcpu])
    case .ioAPIC(let vm): return vm.value.state.ioAPIC.withLock { UInt64($0.read(offset: offset)) }
    case .serialPort(let port): return port.value.read(offset: offset, width: width)
    case .clock(let clock): return clock.value.read(offset: offset, width: width)
    case .powerManagement(let vm):
      return PowerManagement.read(
        offset, width, now: X86_64.guestCounter(of: vm),
        ratio: X86_64.currentCPU.value.local.machine.value.clocks.powerTimerRatio)
    }
  }

  @inline(__always) public func write(offset: UInt64, width: AccessWidth, value: UInt64, by vcpu: Int) {
    switch self {
    case .localAPIC(let vm): X86_64.writeAPICPage(offset, width, value, of: vm.value.vcpus[vcpu])
    case .ioAPIC(let vm):
      let message = vm.value.state.ioAPIC.withLock { $0.write(offset: offset, UInt32(truncatingIfNeeded: value)) }
      if let message { X86_64.send(message, in: vm) }
    case .serialPort(let port): port.value.write(offset: offset, width: width, value: value)
    case .clock(let clock): clock.value.write(offset: offset, width: width, value: value)
    case .powerManagement: break
    }
  }
}

/// An input of a VM's I/O APIC, as a device sees it.
public struct SharedLine: InterruptLine {
  let vm: Reference<VM<X86_64>>
  let number: Int

  public func set(isAsserted: Bool) {
    let message = vm.value.state.ioAPIC.withLock { $0.set(number, isAsserted: isAsserted) }
    if let message { X86_64.send(message, in: vm) }
  }
}
