import CX86_64
import Kernel
import Virtualization

/// One access to an I/O port: EXITINFO1 of an IOIO exit (AMD APM 2, 15.10.2).
public struct PortAccess: Equatable, Sendable {
  let port: UInt16
  let width: AccessWidth
  let isRead: Bool
  /// INS and OUTS, whose data is in memory.
  let isString: Bool

  init(_ info: UInt64) {
    port = UInt16(truncatingIfNeeded: info >> 16)
    isRead = info & 1 << 0 != 0
    isString = info & 1 << 2 != 0
    width = info & 1 << 4 != 0 ? .byte : (info & 1 << 5 != 0 ? .halfword : .word)
  }
}

extension X86_64 {
  /// Ports by which a guest ends.
  private enum ControlPort {
    static let keyboard: UInt16 = 0x64
    static let keyboardReset: UInt64 = 0xfe
    static let resetNow: UInt64 = 1 << 2
    static let sleepEnable: UInt64 = 1 << 13
  }

  static func takePort(_ vcpu: Reference<VCPU<Self>>, _ vmcb: VMCB) -> VMExit<X86Exit> {
    let access = PortAccess(vmcb[VMCB.exitInfo1])
    vcpu.value.statistics.mmio &+= 1
    // No device here has data that is moved that way.
    if access.isString { return injecting(.generalProtection, into: vcpu) }
    goOn(vcpu, at: vmcb[VMCB.exitInfo2])
    return .arch(.port(access))
  }

  public static func handle(_ exit: X86Exit, of vcpu: Reference<VCPU<Self>>) -> VMExit<X86Exit> {
    switch exit {
    case .port(let access): return access.isRead ? readPort(access, vcpu) : writePort(access, vcpu)
    }
  }

  private static func readPort(_ access: PortAccess, _ vcpu: Reference<VCPU<Self>>) -> VMExit<X86Exit> {
    let registers = vcpu.value.state.registers
    var value = access.width.mask
    if let (device, offset) = vcpu.value.vm.value.state.ports.find(
      GuestPhysicalAddress(UInt64(access.port)), width: access.width, near: &vcpu.value.state.lastPortWindow)
    {
      value = device.read(offset: offset, width: access.width, by: vcpu.value.index)
    } else {
      vcpu.value.statistics.refusedAccesses &+= 1
    }
    registers[0] = MemoryInstruction.Register.merged(registers[0], value, access.width, isHighByte: false)
    return .handled
  }

  private static func writePort(_ access: PortAccess, _ vcpu: Reference<VCPU<Self>>) -> VMExit<X86Exit> {
    let value = vcpu.value.state.registers[0] & access.width.mask
    switch access.port {
    case GuestPlace.powerControl where value & ControlPort.sleepEnable != 0:
      if value >> 10 & 7 == UInt64(GuestPlace.softOffType) { return .systemDown(.powerOff) }
    case GuestPlace.reset where value & ControlPort.resetNow != 0: return .systemDown(.reset)
    case ControlPort.keyboard where value == ControlPort.keyboardReset: return .systemDown(.reset)
    default: break
    }
    if let (device, offset) = vcpu.value.vm.value.state.ports.find(
      GuestPhysicalAddress(UInt64(access.port)), width: access.width, near: &vcpu.value.state.lastPortWindow)
    {
      device.write(offset: offset, width: access.width, value: value, by: vcpu.value.index)
    } else {
      vcpu.value.statistics.refusedAccesses &+= 1
    }
    return .handled
  }
}
