import Kernel

/// What a guest may touch without an exit: no port, and the few MSRs that VMRUN and VMLOAD switch (AMD APM 2, 15.10 and 15.11).
/// One of each for all guests, read by hardware alone.
struct PermissionMaps {
  let ports: HostPhysicalAddress
  let registers: HostPhysicalAddress

  /// MSRs that are the guest's own while it runs.
  static let direct: [UInt32] = [
    MSR.sysenterCS, MSR.sysenterESP, MSR.sysenterEIP, MSR.star, MSR.lstar, MSR.cstar, MSR.sfmask, MSR.fsBase,
    MSR.gsBase,
    MSR.kernelGSBase,
  ]

  /// Where an MSR's two bits are, counted in bits from the map's start; nil for one that the map does not have.
  static func bit(of register: UInt32) -> Int? {
    switch register {
    case 0...0x1fff: Int(register) * 2
    case 0xc000_0000...0xc000_1fff: 0x800 * 8 + Int(register & 0x1fff) * 2
    case 0xc001_0000...0xc001_1fff: 0x1000 * 8 + Int(register & 0x1fff) * 2
    default: nil
    }
  }

  /// Nil where there is no memory.
  init?(from frames: FrameAllocator<X86_64>) {
    guard let portOrder = FrameOrder(holding: 12288), let registerOrder = FrameOrder(holding: 8192),
      let ports = frames.allocate(portOrder), let registers = frames.allocate(registerOrder)
    else { return nil }
    self.ports = ports
    self.registers = registers
    // SAFETY: both were allocated just now, with at least as many bytes.
    unsafe X86_64.pointer(to: ports).initializeMemory(as: UInt8.self, repeating: .max, count: 12288)
    let map = unsafe X86_64.pointer(to: registers).initializeMemory(as: UInt8.self, repeating: .max, count: 8192)
    for register in Self.direct {
      guard let bit = Self.bit(of: register) else { continue }
      // SAFETY: `bit` is below 8 · 8192 for every register that it names.
      unsafe map[bit / 8] &= ~(3 << UInt8(bit % 8))
    }
  }
}
