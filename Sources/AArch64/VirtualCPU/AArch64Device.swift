import Devices
import Kernel
import Synchronization
import VMM
import Virtualization

/// What can stand on a VM's bus here.
public enum AArch64Device: BusDevice {
  case distributor(Reference<VM<AArch64>>)
  case redistributors(Reference<VM<AArch64>>)
  case serialPort(Reference<SerialPort>)
  case clock(Reference<Clock>)

  @inline(__always) public func read(offset: UInt64, width: AccessWidth, by vcpu: Int) -> UInt64 {
    switch self {
    case .distributor(let vm):
      var notified: UInt64 = 0
      let value = vm.value.state.gic.readDistributor(
        offset, width, by: vcpu, on: HardwareListRegisters(), notified: &notified)
      if notified != 0 { vm.value.notify(CPUSet(rawValue: notified)) }
      return value
    case .redistributors(let vm):
      var notified: UInt64 = 0
      let value = vm.value.state.gic.readRedistributor(
        offset, width, by: vcpu, on: HardwareListRegisters(), notified: &notified)
      if notified != 0 { vm.value.notify(CPUSet(rawValue: notified)) }
      return value
    case .serialPort(let port): return port.value.read(offset: offset, width: width)
    case .clock(let clock): return clock.value.read(offset: offset, width: width)
    }
  }

  @inline(__always) public func write(offset: UInt64, width: AccessWidth, value: UInt64, by vcpu: Int) {
    switch self {
    case .distributor(let vm):
      let notified = vm.value.state.gic.writeDistributor(offset, width, value, by: vcpu)
      if notified != 0 { vm.value.notify(CPUSet(rawValue: notified)) }
    case .redistributors(let vm):
      let notified = vm.value.state.gic.writeRedistributor(offset, width, value, by: vcpu)
      if notified != 0 { vm.value.notify(CPUSet(rawValue: notified)) }
    case .serialPort(let port): port.value.write(offset: offset, width: width, value: value)
    case .clock(let clock): clock.value.write(offset: offset, width: width, value: value)
    }
  }
}

/// A shared interrupt of a VM's controller, as a device sees it.
public struct SharedLine: InterruptLine {
  let vm: Reference<VM<AArch64>>
  /// Counted from 0: INTID less 32.
  let number: Int

  public func set(isAsserted: Bool) {
    let notified = vm.value.state.gic.setLine(number, isAsserted: isAsserted)
    if notified != 0 { vm.value.notify(CPUSet(rawValue: notified)) }
  }
}
