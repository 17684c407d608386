import CX86_64

/// The machine's serial port, COM1, polled for output.
struct PhysicalUART {
  static let com1 = PhysicalUART(base: 0x3f8)
  /// COM1's interrupt among the ISA bus's.
  static let interrupt: UInt8 = 4

  let base: UInt16

  /// 16550 registers (TI PC16550D, table II).
  private enum Register {
    static let data: UInt16 = 0
    static let ier: UInt16 = 1
    static let fcr: UInt16 = 2
    static let lcr: UInt16 = 3
    static let mcr: UInt16 = 4
    static let lsr: UInt16 = 5
    static let ierReceive: UInt8 = 1 << 0
    static let fcrEnableAndClear: UInt8 = 0x07
    static let lcr8N1: UInt8 = 0x03
    static let lcrDivisor: UInt8 = 0x80
    static let mcrReady: UInt8 = 0x0b  // DTR, RTS, and OUT2, which on a PC lets the interrupt out
    static let lsrReady: UInt8 = 1 << 0  // a byte is there
    static let lsrEmpty: UInt8 = 1 << 5  // room to transmit
  }

  /// 115200 8N1, FIFOs on, interrupts off. Once, by the boot CPU.
  func prepare() {
    x86_out8(base + Register.ier, 0)
    x86_out8(base + Register.lcr, Register.lcrDivisor)
    x86_out8(base + Register.data, 1)
    x86_out8(base + Register.ier, 0)
    x86_out8(base + Register.lcr, Register.lcr8N1)
    x86_out8(base + Register.fcr, Register.fcrEnableAndClear)
    x86_out8(base + Register.mcr, Register.mcrReady)
  }

  /// Waits for room, but not for ever: where there is no port, what is read is all ones, and there is room.
  func write(_ byte: UInt8) {
    while x86_in8(base + Register.lsr) & Register.lsrEmpty == 0 {}
    x86_out8(base + Register.data, byte)
  }

  func read() -> UInt8? {
    let status = x86_in8(base + Register.lsr)
    guard status & Register.lsrReady != 0, status != .max else { return nil }
    return x86_in8(base + Register.data)
  }

  /// Lets received bytes raise the interrupt.
  func enableInput() { x86_out8(base + Register.ier, Register.ierReceive) }

  /// No interrupt until `enableInput`: the bytes that raise it have not been read yet.
  func disableInput() { x86_out8(base + Register.ier, 0) }
}
