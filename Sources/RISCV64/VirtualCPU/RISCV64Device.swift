import Devices
import Kernel
import Synchronization
import VMM
import Virtualization

/// What can stand on a VM's bus here.
public enum RISCV64Device: BusDevice {
  case plic(Reference<VM<RISCV64>>)
  case serialPort(Reference<SerialPort>)
  case clock(Reference<Clock>)
  case testFinisher(Reference<VM<RISCV64>>)

  @inline(__always) public func read(offset: UInt64, width: AccessWidth, by vcpu: Int) -> UInt64 {
    switch self {
    case .plic(let vm):
      var notified: UInt64 = 0
      let value = vm.value.state.plic.read(offset, width, by: vcpu, notified: &notified)
      if notified != 0 { vm.value.notify(CPUSet(rawValue: notified)) }
      return value
    case .serialPort(let port): return port.value.read(offset: offset, width: width)
    case .clock(let clock): return clock.value.read(offset: offset, width: width)
    case .testFinisher(let vm): return finisher(of: vm, for: vcpu).read(offset: offset, width: width)
    }
  }

  @inline(__always) public func write(offset: UInt64, width: AccessWidth, value: UInt64, by vcpu: Int) {
    switch self {
    case .plic(let vm):
      let notified = vm.value.state.plic.write(offset, width, value, by: vcpu)
      if notified != 0 { vm.value.notify(CPUSet(rawValue: notified)) }
    case .serialPort(let port): port.value.write(offset: offset, width: width, value: value)
    case .clock(let clock): clock.value.write(offset: offset, width: width, value: value)
    case .testFinisher(let vm):
      finisher(of: vm, for: vcpu).write(offset: offset, width: width, value: value)
    }
  }

  @inline(__always) private func finisher(of vm: Reference<VM<RISCV64>>, for vcpu: Int) -> TestFinisher<VMSwitch> {
    TestFinisher(power: VMSwitch(vm: vm, run: vm.value.vcpus[vcpu].value.run))
  }
}

/// A source of a VM's interrupt controller, as a device sees it.
public struct SourceLine: InterruptLine {
  let vm: Reference<VM<RISCV64>>
  let number: Int

  public func set(isAsserted: Bool) {
    let notified = vm.value.state.plic.setLine(number, isAsserted: isAsserted)
    if notified != 0 { vm.value.notify(CPUSet(rawValue: notified)) }
  }
}

/// A VM's end, as its test finisher asks for it. The vCPU that asks goes on until the owner stops it.
public struct VMSwitch: PowerSwitch {
  let vm: Reference<VM<RISCV64>>
  /// The run of the vCPU that asks.
  let run: UInt64

  public func request(_ request: PowerRequest) {
    switch request {
    case .powerOff: vm.value.requestStop(.shutDown, in: run)
    case .reset: vm.value.requestStop(.resetRequested, in: run)
    case .failure(let code): vm.value.requestStop(.stoppedByGuest(code: UInt64(code)), in: run)
    }
  }
}
