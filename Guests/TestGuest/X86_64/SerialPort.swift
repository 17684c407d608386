import CGuestX86_64

/// The console, COM1 (TI PC16550D).
enum SerialPort {
  private static let base: UInt16 = 0x3F8
  private static let receiveInterrupt: UInt8 = 1 << 0
  private static let dataReady: UInt8 = 1 << 0
  private static let transmitterEmpty: UInt8 = 1 << 5

  /// 8 bits, FIFOs on, the interrupt let out.
  static func prepare() {
    guest_out8(base + 1, 0)
    guest_out8(base + 3, 3)
    guest_out8(base + 2, 7)
    guest_out8(base + 4, 0x0B)
  }

  static func write(_ byte: UInt8) {
    while guest_in8(base + 5) & transmitterEmpty == 0 {}
    guest_out8(base, byte)
  }

  static func read() -> UInt8? {
    guest_in8(base + 5) & dataReady == 0 ? nil : guest_in8(base)
  }

  static func enableReceiveInterrupt() { guest_out8(base + 1, receiveInterrupt) }
  static func disableReceiveInterrupt() { guest_out8(base + 1, 0) }
}
