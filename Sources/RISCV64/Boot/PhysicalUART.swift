import DeviceTree
import Kernel
import VMM

/// The machine's serial port, polled for output. The firmware has set its speed. Where the hypervisor has no driver for it,
/// or there is none, the firmware's own console.
struct PhysicalUART {
  private enum Way {
    case registers(DeviceWindow, shift: Int)
    /// SBI's debug console.
    case debugConsole
    /// SBI's legacy console.
    case legacyConsole
  }

  private let way: Way
  /// The interrupt controller's number; nil where bytes must be polled for.
  let interrupt: UInt32?

  /// The firmware's console.
  init() {
    way = MachineFirmware.hasDebugConsole ? .debugConsole : .legacyConsole
    interrupt = nil
  }

  /// Nil for a port of another kind than a 16550.
  init?(_ port: Platform.SerialPort) {
    guard port.model != .pl011 else { return nil }
    let window = AddressMap.mapDevice(
      at: HostPhysicalAddress(port.registers.address), byteCount: max(port.registers.byteCount, 4096))
    way = .registers(window, shift: port.registerShift)
    interrupt = port.node.property("interrupts")?.cell(0)
  }

  /// 16550 registers (TI PC16550D), each `1 << shift` bytes apart.
  private enum NS16550 {
    static let data = 0
    static let ier = 1
    static let lsr = 5
    static let lsrTHRE: UInt8 = 1 << 5  // room to transmit
    static let lsrDR: UInt8 = 1 << 0  // a byte is there
    static let ierRX: UInt8 = 1
  }

  func write(_ byte: UInt8) {
    switch way {
    case .registers(let window, let shift):
      while window.read8(NS16550.lsr << shift) & NS16550.lsrTHRE == 0 {}
      window.write8(NS16550.data << shift, byte)
    case .debugConsole: MachineFirmware.write(byte)
    case .legacyConsole: MachineFirmware.writeLegacy(byte)
    }
  }

  func read() -> UInt8? {
    switch way {
    case .registers(let window, let shift):
      guard window.read8(NS16550.lsr << shift) & NS16550.lsrDR != 0 else { return nil }
      return window.read8(NS16550.data << shift)
    case .debugConsole: return nil
    case .legacyConsole: return MachineFirmware.readLegacy()
    }
  }

  /// Lets received bytes raise the interrupt.
  func enableInput() {
    if case .registers(let window, let shift) = way { window.write8(NS16550.ier << shift, NS16550.ierRX) }
  }

  /// No interrupt until `enableInput`: the bytes that raise it have not been read yet.
  func disableInput() {
    if case .registers(let window, let shift) = way { window.write8(NS16550.ier << shift, 0) }
  }
}
