/// The console (TI PC16550D, chapter 8); registers are single bytes.
struct NS16550: Sendable {
  private static let data: UInt64 = 0
  private static let interruptEnable: UInt64 = 1
  private static let fifoControl: UInt64 = 2
  private static let lineControl: UInt64 = 3
  private static let modemControl: UInt64 = 4
  private static let lineStatus: UInt64 = 5
  private static let dataReady: UInt8 = 1 << 0
  private static let transmitHoldingEmpty: UInt8 = 1 << 5
  private static let receivedData: UInt8 = 1 << 0
  private static let transmitterEmpty: UInt8 = 1 << 1

  let registers: MMIO

  /// 8 bits, FIFOs on and empty, OUT2 lets interrupts out.
  func prepare() {
    registers.write8(Self.interruptEnable, 0)
    registers.write8(Self.lineControl, 0x03)
    registers.write8(Self.fifoControl, 0x07)
    registers.write8(Self.modemControl, 0x08)
  }

  func write(_ byte: UInt8) {
    while registers.read8(Self.lineStatus) & Self.transmitHoldingEmpty == 0 {}
    registers.write8(Self.data, byte)
  }

  func read() -> UInt8? {
    guard registers.read8(Self.lineStatus) & Self.dataReady != 0 else { return nil }
    return registers.read8(Self.data)
  }

  func enableReceiveInterrupt() { registers.write8(Self.interruptEnable, Self.receivedData) }

  /// While nothing is sent, and nobody looks which interrupt it is, its line stays up.
  func enableTransmitInterrupt() { registers.write8(Self.interruptEnable, Self.transmitterEmpty) }

  func disableInterrupts() { registers.write8(Self.interruptEnable, 0) }
}
