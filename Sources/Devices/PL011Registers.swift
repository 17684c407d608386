/// What the registers of a PL011 hold (DDI 0183, chapter 3), apart from its FIFOs. Values at power-on.
struct PL011Registers {
  enum Offset {
    static let dr: UInt64 = 0x000  // UARTDR: data
    static let fr: UInt64 = 0x018  // UARTFR: flags
    static let ilpr: UInt64 = 0x020  // UARTILPR: low-power divisor
    static let ibrd: UInt64 = 0x024  // UARTIBRD: baud rate, integer part
    static let fbrd: UInt64 = 0x028  // UARTFBRD: baud rate, fraction
    static let lcr_h: UInt64 = 0x02c  // UARTLCR_H: line control
    static let cr: UInt64 = 0x030  // UARTCR: control
    static let ifls: UInt64 = 0x034  // UARTIFLS: FIFO trigger levels
    static let imsc: UInt64 = 0x038  // UARTIMSC: interrupt mask
    static let ris: UInt64 = 0x03c  // UARTRIS: raw interrupts
    static let mis: UInt64 = 0x040  // UARTMIS: masked interrupts
    static let icr: UInt64 = 0x044  // UARTICR: clears interrupts
    static let dmacr: UInt64 = 0x048  // UARTDMACR: DMA control, which nothing follows
  }

  /// UARTFR.
  struct Flags: OptionSet {
    let rawValue: UInt32
    static let busy = Self(rawValue: 1 << 3)  // sending
    static let rxfe = Self(rawValue: 1 << 4)  // receive FIFO empty
    static let txff = Self(rawValue: 1 << 5)  // transmit FIFO full
    static let rxff = Self(rawValue: 1 << 6)  // receive FIFO full
    static let txfe = Self(rawValue: 1 << 7)  // transmit FIFO empty
  }

  /// UARTLCR_H; the other bits are kept and change nothing.
  struct LineControl: OptionSet {
    let rawValue: UInt32
    static let fen = Self(rawValue: 1 << 4)  // FIFOs on
  }

  /// UARTCR; the other bits are kept and change nothing.
  struct Control: OptionSet {
    let rawValue: UInt32
    static let uarten = Self(rawValue: 1 << 0)  // UART on
    static let lbe = Self(rawValue: 1 << 7)  // loopback
    static let txe = Self(rawValue: 1 << 8)  // transmitter on
    static let rxe = Self(rawValue: 1 << 9)  // receiver on
  }

  /// UARTIMSC, UARTRIS, UARTMIS, UARTICR.
  struct Interrupts: OptionSet {
    let rawValue: UInt32
    static let rx = Self(rawValue: 1 << 4)  // received
    static let tx = Self(rawValue: 1 << 5)  // room to send
    static let rt = Self(rawValue: 1 << 6)  // received, and none since
  }

  var lowPower: UInt32 = 0
  var integerDivisor: UInt32 = 0
  var fractionalDivisor: UInt32 = 0
  var lineControl: LineControl = []
  var control: Control = [.txe, .rxe]
  var trigger: UInt32 = 0x12
  var mask: Interrupts = []
  var raw: Interrupts = []
  var dmaControl: UInt32 = 0

  /// UARTIFLS.TXIFLSEL, bits [2:0]: the transmit interrupt comes when this many characters or fewer wait.
  func sendTrigger(depth: Int) -> Int {
    guard depth > 1 else { return 0 }
    switch trigger & 0b111 {
    case 0: return 2  // 1/8
    case 1: return 4
    case 2: return 8
    case 3: return 12
    default: return 14  // 7/8
    }
  }

  /// UARTPeriphID0…3 and UARTPCellID0…3 from 0xfe0 on; zero elsewhere.
  static func identification(_ offset: UInt64) -> UInt32 {
    switch offset {
    case 0xfe0: 0x11  // part number 0x011
    case 0xfe4: 0x10  // designer 0x41, Arm
    case 0xfe8: 0x14  // revision 1
    case 0xff0: 0x0d
    case 0xff4: 0xf0
    case 0xff8: 0x05
    case 0xffc: 0xb1
    default: 0
    }
  }
}
