/// The console (Arm PL011 TRM, DDI 0183, 3.2).
struct PL011: Sendable {
  private static let data: UInt64 = 0x00
  private static let flags: UInt64 = 0x18
  private static let lineControl: UInt64 = 0x2C
  private static let control: UInt64 = 0x30
  private static let interruptMask: UInt64 = 0x38
  private static let interruptClear: UInt64 = 0x44
  private static let receiveFIFOEmpty: UInt32 = 1 << 4
  private static let transmitFIFOFull: UInt32 = 1 << 5
  /// Receive and receive timeout.
  private static let receiveInterrupts: UInt32 = 1 << 4 | 1 << 6

  let registers: MMIO
  /// Whether line and control can be set.
  var hasSettings = true

  /// 8 bits, FIFOs on; UART, transmitter and receiver on.
  func prepare() {
    registers.write32(Self.interruptMask, 0)
    guard hasSettings else { return }
    registers.write32(Self.lineControl, 0x70)
    registers.write32(Self.control, 0x301)
  }

  func write(_ byte: UInt8) {
    while registers.read32(Self.flags) & Self.transmitFIFOFull != 0 {}
    registers.write32(Self.data, UInt32(byte))
  }

  func read() -> UInt8? {
    guard registers.read32(Self.flags) & Self.receiveFIFOEmpty == 0 else { return nil }
    return UInt8(truncatingIfNeeded: registers.read32(Self.data))
  }

  func enableReceiveInterrupt() { registers.write32(Self.interruptMask, Self.receiveInterrupts) }

  func disableReceiveInterrupt() {
    registers.write32(Self.interruptMask, 0)
    registers.write32(Self.interruptClear, Self.receiveInterrupts)
  }
}
