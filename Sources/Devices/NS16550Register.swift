/// The registers of a 16550A, by number, and their fields (TI PC16550D, chapter 8).
enum NS16550Register: UInt64 {
  case data = 0  // RBR to read, THR to write; DLL with DLAB
  case interruptEnable = 1  // IER; DLM with DLAB
  case interruptIdentification = 2  // IIR to read, FCR to write
  case lineControl = 3  // LCR
  case modemControl = 4  // MCR
  case lineStatus = 5  // LSR
  case modemStatus = 6  // MSR
  case scratch = 7  // SCR

  /// 9600 baud from 1.8432 MHz, as QEMU starts.
  static let divisorAtReset: UInt16 = 12
  /// IIR7 and IIR6: the FIFOs are on.
  static let fifosEnabled: UInt8 = 0xc0

  /// IIR3 to IIR0 (table IV), the most urgent first.
  enum Interrupt: UInt8 {
    case lineStatus = 0x6
    case receivedData = 0x4
    case timeout = 0xc
    case transmitHoldingEmpty = 0x2
    case none = 0x1
  }

  /// IER (8.6).
  struct InterruptEnable: OptionSet {
    let rawValue: UInt8
    static let receivedData = Self(rawValue: 1 << 0)  // ERBFI, and the timeout
    static let transmitHoldingEmpty = Self(rawValue: 1 << 1)  // ETBEI
    static let lineStatus = Self(rawValue: 1 << 2)  // ELSI
    static let implemented = Self(rawValue: 0x0f)  // EDSSI is kept; the modem never changes
  }

  /// FCR (8.4).
  struct FIFOControl: OptionSet {
    let rawValue: UInt8
    static let enable = Self(rawValue: 1 << 0)
    static let clearReceiver = Self(rawValue: 1 << 1)  // clears itself
    static let clearTransmitter = Self(rawValue: 1 << 2)  // clears itself
    static let kept = Self(rawValue: 0xc9)

    /// FCR7 and FCR6: so many received bytes raise the interrupt.
    var triggerLevel: Int {
      switch rawValue >> 6 {
      case 0: 1
      case 1: 4
      case 2: 8
      default: 14
      }
    }
  }

  /// LCR (8.1); the other bits are kept and change nothing.
  struct LineControl: OptionSet {
    let rawValue: UInt8
    static let divisorAccess = Self(rawValue: 1 << 7)  // DLAB
  }

  /// MCR (8.7).
  struct ModemControl: OptionSet {
    let rawValue: UInt8
    static let dataTerminalReady = Self(rawValue: 1 << 0)  // DTR
    static let requestToSend = Self(rawValue: 1 << 1)  // RTS
    static let out1 = Self(rawValue: 1 << 2)
    static let out2 = Self(rawValue: 1 << 3)
    static let loopback = Self(rawValue: 1 << 4)
    static let implemented = Self(rawValue: 0x1f)
    static let atReset: Self = .out2  // as QEMU; the manual says none

    /// What the outputs are as inputs when they are tied together.
    var loopedStatus: ModemStatus {
      var status = ModemStatus()
      if contains(.requestToSend) { status.insert(.clearToSend) }
      if contains(.dataTerminalReady) { status.insert(.dataSetReady) }
      if contains(.out1) { status.insert(.ringIndicator) }
      if contains(.out2) { status.insert(.dataCarrierDetect) }
      return status
    }
  }

  /// LSR (8.3).
  struct LineStatus: OptionSet {
    let rawValue: UInt8
    static let dataReady = Self(rawValue: 1 << 0)  // DR
    static let overrun = Self(rawValue: 1 << 1)  // OE: a byte came while the FIFO was full
    static let transmitHoldingEmpty = Self(rawValue: 1 << 5)  // THRE
    static let transmitterEmpty = Self(rawValue: 1 << 6)  // TEMT
  }

  /// MSR (8.8).
  struct ModemStatus: OptionSet {
    let rawValue: UInt8
    static let clearToSend = Self(rawValue: 1 << 4)  // CTS
    static let dataSetReady = Self(rawValue: 1 << 5)  // DSR
    static let ringIndicator = Self(rawValue: 1 << 6)  // RI
    static let dataCarrierDetect = Self(rawValue: 1 << 7)  // DCD
    static let ready: Self = [.clearToSend, .dataSetReady, .dataCarrierDetect]
  }
}
