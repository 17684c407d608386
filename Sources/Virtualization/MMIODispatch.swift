import Kernel

extension VirtualizationArchitecture {
  /// Carries out an access to the bus of the vCPU's VM; false, with nothing done, where no device takes the whole of it.
  ///
  /// The only way from an exit to a device: `run` uses it to finish an access in place, the run loop for what `run` left.
  @inlinable @inline(__always) public static func carryOut(_ access: MMIOAccess, of vcpu: Reference<VCPU<Self>>) -> Bool
  {
    let found = vcpu.value.vm.value.bus.find(access.address, width: access.width, near: &vcpu.value.lastWindow)
    guard let (device, offset) = found else { return false }
    switch access.direction {
    case .read:
      let value = device.read(offset: offset, width: access.width, by: vcpu.value.index)
      complete(access, of: vcpu, value: value)
    case .write(let value):
      device.write(offset: offset, width: access.width, value: value, by: vcpu.value.index)
      complete(access, of: vcpu, value: 0)
    }
    return true
  }
}
