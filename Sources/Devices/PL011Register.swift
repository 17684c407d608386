/// The registers of a PL011, by offset in bytes, and their fields (Arm DDI 0183, chapter 3).
enum PL011Register {
  static let dr: UInt64 = 0x00  // data
  static let rsr: UInt64 = 0x04  // receive status; a write clears the errors
  static let fr: UInt64 = 0x18  // flags
  static let ilpr: UInt64 = 0x20  // IrDA low-power counter
  static let ibrd: UInt64 = 0x24  // baud rate, integer part
  static let fbrd: UInt64 = 0x28  // baud rate, 64ths
  static let lcr_h: UInt64 = 0x2c  // line control
  static let cr: UInt64 = 0x30  // control
  static let ifls: UInt64 = 0x34  // interrupt FIFO level select
  static let imsc: UInt64 = 0x38  // interrupt enables
  static let ris: UInt64 = 0x3c  // raw interrupt status
  static let mis: UInt64 = 0x40  // masked interrupt status
  static let icr: UInt64 = 0x44  // interrupt clear
  static let dmacr: UInt64 = 0x48  // DMA control

  /// UARTPeriphID: part 0x011, designer 0x41, revision 1 (FIFOs of 16); the lowest byte is PeriphID0 (3.3.16).
  static let identification: UInt32 = 0x0014_1011

  /// UARTRSR (3.3.2).
  struct ReceiveStatus: OptionSet {
    let rawValue: UInt8
    static let overrun = Self(rawValue: 1 << 3)  // OE: a byte came while the FIFO was full
  }

  /// UARTFR (3.3.3).
  struct Flags: OptionSet {
    let rawValue: UInt16
    static let clearToSend = Self(rawValue: 1 << 0)  // CTS
    static let dataSetReady = Self(rawValue: 1 << 1)  // DSR
    static let dataCarrierDetect = Self(rawValue: 1 << 2)  // DCD
    static let busy = Self(rawValue: 1 << 3)  // BUSY: bytes on their way out
    static let receiveEmpty = Self(rawValue: 1 << 4)  // RXFE
    static let transmitFull = Self(rawValue: 1 << 5)  // TXFF
    static let receiveFull = Self(rawValue: 1 << 6)  // RXFF
    static let transmitEmpty = Self(rawValue: 1 << 7)  // TXFE
    static let ringIndicator = Self(rawValue: 1 << 8)  // RI
  }

  /// UARTLCR_H (3.3.7).
  struct LineControl: OptionSet {
    let rawValue: UInt8
    static let fifoEnable = Self(rawValue: 1 << 4)  // FEN
  }

  /// UARTCR (3.3.8).
  struct Control: OptionSet {
    let rawValue: UInt16
    static let uartEnable = Self(rawValue: 1 << 0)  // UARTEN
    static let loopback = Self(rawValue: 1 << 7)  // LBE
    static let transmitEnable = Self(rawValue: 1 << 8)  // TXE
    static let receiveEnable = Self(rawValue: 1 << 9)  // RXE
    static let dataTransmitReady = Self(rawValue: 1 << 10)  // DTR
    static let requestToSend = Self(rawValue: 1 << 11)  // RTS
    static let out1 = Self(rawValue: 1 << 12)  // Out1
    static let out2 = Self(rawValue: 1 << 13)  // Out2
    static let implemented = Self(rawValue: 0xff87)  // bits 6:3 are reserved
    static let atReset: Self = [.transmitEnable, .receiveEnable]

    /// What the modem outputs are as inputs when LBE ties them together.
    var loopedModemFlags: Flags {
      var flags = Flags()
      if contains(.requestToSend) { flags.insert(.clearToSend) }
      if contains(.dataTransmitReady) { flags.insert(.dataSetReady) }
      if contains(.out1) { flags.insert(.dataCarrierDetect) }
      if contains(.out2) { flags.insert(.ringIndicator) }
      return flags
    }
  }

  /// UARTIFLS (3.3.9).
  struct LevelSelect {
    let rawValue: UInt8
    /// TXIFLSEL, bits 2:0: an eighth, a quarter, a half, three quarters, seven eighths of 16; others are reserved.
    var transmitLevel: Int {
      switch rawValue & 0x7 {
      case 0: 2
      case 1: 4
      case 3: 12
      case 4: 14
      default: 8
      }
    }
    static var atReset: Self { Self(rawValue: 0x12) }  // both at a half
  }

  /// UARTIMSC, UARTRIS, UARTMIS, UARTICR (3.3.10 to 3.3.13).
  struct Interrupts: OptionSet {
    let rawValue: UInt16
    static let receive = Self(rawValue: 1 << 4)  // RX
    static let transmit = Self(rawValue: 1 << 5)  // TX
    static let receiveTimeout = Self(rawValue: 1 << 6)  // RT
    static let overrun = Self(rawValue: 1 << 10)  // OE
    static let implemented = Self(rawValue: 0x7ff)
  }
}
