import Devices
import Kernel
import VMM
import Virtualization

/// What the vCPUs of a VM share.
public struct X86VMState: ~Copyable {
  /// Changed by the VM's owner alone, before its vCPUs run.
  var nestedTable: NestedPageTable<NestedTableFormat, X86_64>
  let idlesNatively: Bool
  /// Each vCPU's, by its index.
  let registers: [GuestRegisters]
  /// Devices by port. Made at set-up.
  var ports = DeviceBus<X86Device>()
  /// Lock order: inside devices' locks; nothing is taken while it is held.
  let ioAPIC = Locked(VirtualIOAPIC())
  /// Set at creation; the port's own lock guards what is inside.
  var serialPort: Reference<SerialPort>?
  var clock: Reference<Clock>?

  /// Hypervisor's counter less the guest's, in ticks. Written by the owner while no vCPU runs.
  var counterOffset: UInt64 = 0
  /// The guest's counter when its time last stood still; nil while it runs. The owner's.
  var stoppedAt: UInt64? = 0

  init(
    nestedTable: consuming NestedPageTable<NestedTableFormat, X86_64>, idlesNatively: Bool,
    registers: [GuestRegisters]
  ) {
    self.nestedTable = nestedTable
    self.idlesNatively = idlesNatively
    self.registers = registers
  }
}

/// Where a guest finds what every PC has.
enum GuestPlace {
  static let ioAPIC = GuestPhysicalAddress(0xfec0_0000)
  static let localAPIC = GuestPhysicalAddress(0xfee0_0000)
  static let localAPICByteCount: UInt64 = 0x1000
  // Ports of power management, which the guest's ACPI tables name, where QEMU's q35 has them.
  static let powerEvents: UInt16 = 0x600
  static let powerControl: UInt16 = 0x604
  static let powerTimer: UInt16 = 0x608
  /// SLP_TYP of S5.
  static let softOffType: UInt8 = 5
  static let reset: UInt16 = 0xcf9
  static let resetValue: UInt8 = 6
}
