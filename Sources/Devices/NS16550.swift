import Virtualization

/// A 16550A UART (TI PC16550D) as QEMU has it: `ns16550a` of the riscv `virt` machine, COM1 of a PC.
///
/// A sent byte goes to the sink at once; while the sink has no room, bytes wait in the transmit FIFO, which the guest
/// cannot empty: a real line would have sent them long before. Received bytes below the trigger level raise the timeout
/// interrupt at once, since there is no line time to wait for. The divisor has no effect, the modem is always ready, and
/// OUT2 does not gate the interrupt.
///
/// A register is a byte and answers at every width up to a word. No access traps: an offset beyond the eight registers,
/// a doubleword, or an access that does not begin at a register reads as zero and ignores writes. Not thread-safe.
public struct NS16550<Line: InterruptLine, Sink: CharacterSink>: ~Copyable {
  private let line: Line
  private let sink: Sink
  /// Bytes from one register to the next, as a power of two.
  private let registerShift: UInt64
  /// What the line was last set to.
  private var isAsserted = false

  private var received = ByteFIFO()
  private var transmit = ByteFIFO()

  private var enabled = NS16550Register.InterruptEnable()
  private var fifoControl = NS16550Register.FIFOControl()
  private var lineControl = NS16550Register.LineControl()
  private var modemControl = NS16550Register.ModemControl.atReset
  private var hasOverrun = false
  /// The transmitter has run empty since the guest last looked (8.5, table IV).
  private var isTransmitInterruptRaised = false
  // Kept to be read back.
  private var divisor = NS16550Register.divisorAtReset
  private var scratch: UInt8 = 0

  /// `registerShift`: bytes from one register to the next, as a power of two; 0 to 2.
  public init(line: Line, sink: Sink, registerShift: Int) {
    precondition(0...2 ~= registerShift)
    self.line = line
    self.sink = sink
    self.registerShift = UInt64(truncatingIfNeeded: registerShift)
  }

  // MARK: - From outside

  /// Takes a byte from the line. False: there is no room, and the byte is still the caller's.
  public mutating func receive(_ byte: UInt8) -> Bool {
    guard !modemControl.contains(.loopback), received.count < depth else { return false }
    received.push(byte)
    updateLine()
    return true
  }

  /// The sink has room again: the bytes that wait go on.
  public mutating func sinkHasRoom() {
    guard !transmit.isEmpty else { return }
    while let byte = transmit.first, sink.put(byte) { _ = transmit.popFirst() }
    if transmit.isEmpty { isTransmitInterruptRaised = true }
    updateLine()
  }

  /// Power-on state (table I). Bytes that wait for the sink were sent before, and still go.
  public mutating func reset() {
    received.removeAll()
    enabled = []
    fifoControl = []
    lineControl = []
    modemControl = .atReset
    hasOverrun = false
    isTransmitInterruptRaised = false
    divisor = NS16550Register.divisorAtReset
    scratch = 0
    updateLine()
  }

  // MARK: - From the guest

  public mutating func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    guard width != .doubleword, let register = register(at: offset) else { return 0 }
    return UInt64(readRegister(register))
  }

  public mutating func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    guard width != .doubleword, let register = register(at: offset) else { return }
    writeRegister(register, UInt8(truncatingIfNeeded: value))
    updateLine()
  }

  private func register(at offset: UInt64) -> NS16550Register? {
    guard offset & ((1 &<< registerShift) &- 1) == 0 else { return nil }
    return NS16550Register(rawValue: offset &>> registerShift)
  }

  private mutating func readRegister(_ register: NS16550Register) -> UInt8 {
    switch register {
    case .data:
      return lineControl.contains(.divisorAccess) ? UInt8(truncatingIfNeeded: divisor) : takeReceivedByte()
    case .interruptEnable:
      return lineControl.contains(.divisorAccess) ? UInt8(truncatingIfNeeded: divisor >> 8) : enabled.rawValue
    case .interruptIdentification: return identifyInterrupt()
    case .lineControl: return lineControl.rawValue
    case .modemControl: return modemControl.rawValue
    case .lineStatus: return takeLineStatus()
    case .modemStatus: return modemStatus.rawValue
    case .scratch: return scratch
    }
  }

  private mutating func writeRegister(_ register: NS16550Register, _ value: UInt8) {
    switch register {
    case .data where lineControl.contains(.divisorAccess): divisor = divisor & 0xff00 | UInt16(value)
    case .data: send(value)
    case .interruptEnable where lineControl.contains(.divisorAccess): divisor = divisor & 0xff | UInt16(value) << 8
    case .interruptEnable: enable(NS16550Register.InterruptEnable(rawValue: value).intersection(.implemented))
    case .interruptIdentification: setFIFOControl(NS16550Register.FIFOControl(rawValue: value))
    case .lineControl: lineControl = NS16550Register.LineControl(rawValue: value)
    case .modemControl:
      modemControl = NS16550Register.ModemControl(rawValue: value).intersection(.implemented)
    case .lineStatus, .modemStatus: break
    case .scratch: scratch = value
    }
  }

  // MARK: - Receiving

  /// How many bytes a FIFO holds: without FCR0 it is the holding register alone.
  private var depth: Int { fifoControl.contains(.enable) ? ByteFIFO.capacity : 1 }

  private mutating func takeReceivedByte() -> UInt8 {
    guard let byte = received.popFirst() else { return 0 }
    updateLine()
    return byte
  }

  /// Switching the FIFOs on or off empties the receiver, as clearing it does (8.4).
  private mutating func setFIFOControl(_ new: NS16550Register.FIFOControl) {
    let switchesFIFO = new.contains(.enable) != fifoControl.contains(.enable)
    if switchesFIFO || new.contains(.clearReceiver) { received.removeAll() }
    if switchesFIFO || new.contains(.clearTransmitter), transmit.isEmpty { isTransmitInterruptRaised = true }
    fifoControl = new.intersection(.kept)
  }

  // MARK: - Sending

  private mutating func send(_ byte: UInt8) {
    if modemControl.contains(.loopback) {
      loopBack(byte)
    } else if !transmit.isEmpty || !sink.put(byte) {
      // A write to a full FIFO is lost; LSR.THRE has said so.
      if transmit.count < depth { transmit.push(byte) }
    }
    isTransmitInterruptRaised = transmit.isEmpty
  }

  /// With MCR4 what is sent is received (8.7).
  private mutating func loopBack(_ byte: UInt8) {
    if received.count < depth { received.push(byte) } else { hasOverrun = true }
  }

  // MARK: - Status

  private var lineStatus: NS16550Register.LineStatus {
    var status = NS16550Register.LineStatus()
    if !received.isEmpty { status.insert(.dataReady) }
    if hasOverrun { status.insert(.overrun) }
    if transmit.isEmpty { status.formUnion([.transmitHoldingEmpty, .transmitterEmpty]) }
    return status
  }

  /// Reading the status clears its errors (8.3).
  private mutating func takeLineStatus() -> UInt8 {
    let status = lineStatus
    if hasOverrun {
      hasOverrun = false
      updateLine()
    }
    return status.rawValue
  }

  private var modemStatus: NS16550Register.ModemStatus {
    modemControl.contains(.loopback) ? modemControl.loopedStatus : .ready
  }

  // MARK: - Interrupts

  /// The most urgent interrupt (8.5, table IV).
  private var interrupt: NS16550Register.Interrupt {
    if enabled.contains(.lineStatus), hasOverrun { return .lineStatus }
    if enabled.contains(.receivedData), !received.isEmpty {
      let isAtTrigger = !fifoControl.contains(.enable) || received.count >= fifoControl.triggerLevel
      return isAtTrigger ? .receivedData : .timeout
    }
    if enabled.contains(.transmitHoldingEmpty), isTransmitInterruptRaised { return .transmitHoldingEmpty }
    return .none
  }

  /// Enabling the transmit interrupt with an empty transmitter raises it; drivers test for that.
  private mutating func enable(_ new: NS16550Register.InterruptEnable) {
    if new.contains(.transmitHoldingEmpty) != enabled.contains(.transmitHoldingEmpty) {
      isTransmitInterruptRaised = new.contains(.transmitHoldingEmpty) && transmit.isEmpty
    }
    enabled = new
  }

  /// Reading that the transmitter is empty lowers its interrupt (8.5).
  private mutating func identifyInterrupt() -> UInt8 {
    let interrupt = interrupt
    if interrupt == .transmitHoldingEmpty {
      isTransmitInterruptRaised = false
      updateLine()
    }
    return interrupt.rawValue | (fifoControl.contains(.enable) ? NS16550Register.fifosEnabled : 0)
  }

  private mutating func updateLine() {
    let level = interrupt != .none
    guard level != isAsserted else { return }
    isAsserted = level
    line.set(isAsserted: level)
  }
}
