import DeviceTree
import Kernel
import VMM

/// The machine's serial port, polled for output. The firmware has set its speed.
struct PhysicalUART {
  private let window: DeviceWindow
  private let model: Platform.SerialPort.Model
  private let registerShift: Int
  let interrupt: UInt32?

  init(_ port: Platform.SerialPort) {
    window = AddressMap.mapDevice(
      at: HostPhysicalAddress(port.registers.address), byteCount: max(port.registers.byteCount, 4096))
    model = port.model
    registerShift = port.registerShift
    interrupt = Platform.sharedInterrupt(of: port.node)
  }

  /// PL011 registers (Arm DDI 0183, table 3-1).
  private enum PL011 {
    static let dr = 0x00
    static let fr = 0x18
    static let cr = 0x30
    static let imsc = 0x38
    static let icr = 0x44
    static let frTXFF: UInt32 = 1 << 5  // transmit FIFO full
    static let frRXFE: UInt32 = 1 << 4  // receive FIFO empty
    static let interruptRX: UInt32 = 1 << 4
    static let interruptRT: UInt32 = 1 << 6  // receive timeout
    static let crEnable: UInt32 = 0x301  // UARTEN, TXE, RXE
  }

  /// 16550 registers (TI PC16550D), each `1 << registerShift` bytes apart.
  private enum NS16550 {
    static let data = 0
    static let ier = 1
    static let lsr = 5
    static let lsrTHRE: UInt8 = 1 << 5  // room to transmit
    static let lsrDR: UInt8 = 1 << 0  // a byte is there
    static let ierRX: UInt8 = 1
  }

  private func offset(_ register: Int) -> Int { register << registerShift }

  func write(_ byte: UInt8) {
    switch model {
    case .pl011:
      while window.read32(PL011.fr) & PL011.frTXFF != 0 {}
      window.write32(PL011.dr, UInt32(byte))
    case .ns16550a, .snpsAPB:
      while window.read8(offset(NS16550.lsr)) & NS16550.lsrTHRE == 0 {}
      window.write8(offset(NS16550.data), byte)
    }
  }

  func read() -> UInt8? {
    switch model {
    case .pl011:
      guard window.read32(PL011.fr) & PL011.frRXFE == 0 else { return nil }
      return UInt8(truncatingIfNeeded: window.read32(PL011.dr))
    case .ns16550a, .snpsAPB:
      guard window.read8(offset(NS16550.lsr)) & NS16550.lsrDR != 0 else { return nil }
      return window.read8(offset(NS16550.data))
    }
  }

  /// Lets received bytes raise the interrupt.
  func enableInput() {
    switch model {
    case .pl011:
      window.write32(PL011.cr, PL011.crEnable)
      window.write32(PL011.imsc, PL011.interruptRX | PL011.interruptRT)
    case .ns16550a, .snpsAPB:
      window.write8(offset(NS16550.ier), NS16550.ierRX)
    }
  }

  /// No interrupt until `enableInput`: the bytes that raise it have not been read yet.
  func disableInput() {
    switch model {
    case .pl011: window.write32(PL011.imsc, 0)
    case .ns16550a, .snpsAPB: window.write8(offset(NS16550.ier), 0)
    }
  }
}
