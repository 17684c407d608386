import Virtualization

/// The places that a guest of one architecture expects, those of QEMU's `virt` machine, or of every PC.
public struct GuestMachine: Sendable {
  /// Where RAM begins unless a VM says otherwise.
  public let memoryBase: GuestPhysicalAddress
  /// The first address that a guest cannot have.
  public let addressLimit: GuestPhysicalAddress
  /// What is always there and not in a VM's table of devices: the interrupt controller, first, and what
  /// goes with it.
  public let reserved: [GuestPhysicalRange]
  /// Where the devices of a VM's table are: in memory, or in a space of ports of its own.
  public let deviceSpace: DeviceSpace
  /// The numbers that devices may have, as the interrupt controller counts them.
  public let interrupts: Range<UInt32>
  public let uart: DeviceManifest
  public let clock: DeviceManifest
}

/// How a guest reaches its devices.
public enum DeviceSpace: Sendable {
  case memory
  /// Ports, beside memory: their addresses are not memory's.
  case ports

  /// The first address behind the ports.
  public static let portLimit = GuestPhysicalAddress(1 << 16)
}

extension Architecture {
  public var guestMachine: GuestMachine {
    switch self {
    case .aarch64:
      GuestMachine(
        memoryBase: GuestPhysicalAddress(0x4000_0000),
        addressLimit: GuestPhysicalAddress(1 << 40),
        reserved: ranges([
          (0x0800_0000, 0x1_0000),  // GICv3 distributor
          (0x080a_0000, 0xf6_0000),  // GICv3 redistributors, 128 KiB each
        ]),
        deviceSpace: .memory,
        interrupts: 0..<988,  // SPIs have the identifiers 32 to 1019
        uart: DeviceManifest(
          kind: .uart, base: GuestPhysicalAddress(0x0900_0000), byteCount: 0x1000, interrupt: 1),
        clock: DeviceManifest(
          kind: .clock, base: GuestPhysicalAddress(0x0901_0000), byteCount: 0x1000, interrupt: 2))
    case .riscv64:
      GuestMachine(
        memoryBase: GuestPhysicalAddress(0x8000_0000),
        addressLimit: GuestPhysicalAddress(1 << 40),
        reserved: ranges([
          (0x0c00_0000, 0x60_0000),  // PLIC
          (0x0200_0000, 0x1_0000),  // CLINT, which is the firmware's
          (0x0010_0000, 0x1000),  // test finisher: power off and reset
        ]),
        deviceSpace: .memory,
        interrupts: 1..<96,  // QEMU's virt has 95 sources; the PLIC has no source 0
        uart: DeviceManifest(
          kind: .uart, base: GuestPhysicalAddress(0x1000_0000), byteCount: 0x1000, interrupt: 10),
        clock: DeviceManifest(
          kind: .clock, base: GuestPhysicalAddress(0x0010_1000), byteCount: 0x1000, interrupt: 11))
    case .x86_64:
      GuestMachine(
        memoryBase: GuestPhysicalAddress(0),
        addressLimit: GuestPhysicalAddress(1 << 40),
        reserved: ranges([
          (0xfec0_0000, 0x1000),  // I/O APIC
          (0xfee0_0000, 0x1000),  // local APICs
        ]),
        deviceSpace: .ports,
        interrupts: 0..<24,  // inputs of the I/O APIC
        uart: DeviceManifest(kind: .uart, base: GuestPhysicalAddress(0x3f8), byteCount: 8, interrupt: 4),
        clock: DeviceManifest(kind: .clock, base: GuestPhysicalAddress(0x70), byteCount: 2, interrupt: 8))
    }
  }

  private func ranges(_ ranges: [(UInt64, UInt64)]) -> [GuestPhysicalRange] {
    ranges.compactMap { GuestPhysicalRange(base: GuestPhysicalAddress($0.0), byteCount: $0.1) }
  }
}
