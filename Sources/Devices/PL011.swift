import Virtualization

/// A PL011 UART as QEMU's `virt` machine has it (Arm DDI 0183, r1p5 identification).
///
/// A sent byte goes to the sink at once; while the sink has no room, bytes wait in the transmit FIFO. A received byte
/// raises the receive and the receive timeout interrupt at once, whatever IFLS says: there is no line time to wait for,
/// and a driver that enables only one of the two must not miss the last bytes. The baud rate has no effect.
///
/// No access traps: a reserved offset, a doubleword, or an access that does not begin at a register reads as zero and
/// ignores writes.
public struct PL011<Line: InterruptLine, Sink: CharacterSink>: ~Copyable {
  private let line: Line
  private let sink: Sink
  /// What the line was last set to.
  private var isAsserted = false

  private var received = ByteFIFO()
  private var transmit = ByteFIFO()

  private var receiveStatus = PL011Register.ReceiveStatus()
  private var lineControl = PL011Register.LineControl()
  private var control = PL011Register.Control.atReset
  private var levelSelect = PL011Register.LevelSelect.atReset
  private var raw = PL011Register.Interrupts()
  private var enabled = PL011Register.Interrupts()
  // Kept to be read back; nothing here has a rate, an infrared side or a DMA controller.
  private var integerBaudRate: UInt16 = 0
  private var fractionalBaudRate: UInt8 = 0
  private var lowPowerCounter: UInt8 = 0
  private var dmaControl: UInt8 = 0

  public init(line: Line, sink: Sink) {
    self.line = line
    self.sink = sink
  }

  // MARK: - From outside

  /// Takes a byte from the line. False: the receiver is off or its FIFO full, and the byte is still the caller's.
  public mutating func receive(_ byte: UInt8) -> Bool {
    guard control.contains([.uartEnable, .receiveEnable]), !control.contains(.loopback), received.count < depth
    else { return false }
    received.push(byte)
    raw.formUnion([.receive, .receiveTimeout])
    updateLine()
    return true
  }

  /// The sink has room again: the bytes that wait go on.
  public mutating func sinkHasRoom() {
    guard !transmit.isEmpty else { return }
    while let byte = transmit.first, sink.put(byte) { _ = transmit.popFirst() }
    updateTransmitInterrupt()
    updateLine()
  }

  /// Power-on state (DDI 0183, table 3-1). Bytes that wait for the sink were sent before, and still go.
  public mutating func reset() {
    received.removeAll()
    receiveStatus = []
    lineControl = []
    control = .atReset
    levelSelect = .atReset
    raw = []
    enabled = []
    integerBaudRate = 0
    fractionalBaudRate = 0
    lowPowerCounter = 0
    dmaControl = 0
    updateLine()
  }

  // MARK: - From the guest

  /// What a read of the flag register gives now: whoever shares the device may keep it, to answer without asking here.
  public var flagRegister: UInt16 { flags.rawValue }

  /// Whether an access is a read of the flag register if it is a read.
  @inline(__always) public static func isFlagRegister(offset: UInt64, width: AccessWidth) -> Bool {
    offset == PL011Register.fr && width != .doubleword
  }

  public mutating func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    guard offset & 3 == 0, width != .doubleword else { return 0 }
    return UInt64(readRegister(offset)) & width.mask
  }

  public mutating func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    guard offset & 3 == 0, width != .doubleword else { return }
    writeRegister(offset, UInt32(truncatingIfNeeded: value & width.mask))
  }

  private mutating func readRegister(_ offset: UInt64) -> UInt32 {
    switch offset {
    case PL011Register.fr: return UInt32(flags.rawValue)
    case PL011Register.dr: return takeReceivedByte()
    case PL011Register.rsr: return UInt32(receiveStatus.rawValue)
    case PL011Register.ilpr: return UInt32(lowPowerCounter)
    case PL011Register.ibrd: return UInt32(integerBaudRate)
    case PL011Register.fbrd: return UInt32(fractionalBaudRate)
    case PL011Register.lcr_h: return UInt32(lineControl.rawValue)
    case PL011Register.cr: return UInt32(control.rawValue)
    case PL011Register.ifls: return UInt32(levelSelect.rawValue)
    case PL011Register.imsc: return UInt32(enabled.rawValue)
    case PL011Register.ris: return UInt32(raw.rawValue)
    case PL011Register.mis: return UInt32(raw.intersection(enabled).rawValue)
    case PL011Register.dmacr: return UInt32(dmaControl)
    case PrimeCell.firstID...PrimeCell.lastID: return PrimeCell.identification(PL011Register.identification, at: offset)
    default: return 0
    }
  }

  private mutating func writeRegister(_ offset: UInt64, _ value: UInt32) {
    switch offset {
    case PL011Register.dr: send(UInt8(truncatingIfNeeded: value))
    case PL011Register.rsr: receiveStatus = []
    case PL011Register.ilpr: lowPowerCounter = UInt8(truncatingIfNeeded: value)
    case PL011Register.ibrd: integerBaudRate = UInt16(truncatingIfNeeded: value)
    case PL011Register.fbrd: fractionalBaudRate = UInt8(truncatingIfNeeded: value & 0x3f)
    case PL011Register.lcr_h: setLineControl(PL011Register.LineControl(rawValue: UInt8(truncatingIfNeeded: value)))
    case PL011Register.cr:
      control = PL011Register.Control(rawValue: UInt16(truncatingIfNeeded: value)).intersection(.implemented)
    case PL011Register.ifls:
      levelSelect = PL011Register.LevelSelect(rawValue: UInt8(truncatingIfNeeded: value & 0x3f))
      lowerTransmitInterrupt()
    case PL011Register.imsc:
      enabled = PL011Register.Interrupts(rawValue: UInt16(truncatingIfNeeded: value)).intersection(.implemented)
      updateLine()
    case PL011Register.icr:
      raw.subtract(PL011Register.Interrupts(rawValue: UInt16(truncatingIfNeeded: value)))
      updateLine()
    case PL011Register.dmacr: dmaControl = UInt8(truncatingIfNeeded: value & 0x7)
    default: break
    }
  }

  // MARK: - Receiving

  /// How many bytes a FIFO holds: without FEN it is the holding register alone (3.3.7).
  private var depth: Int { lineControl.contains(.fifoEnable) ? ByteFIFO.capacity : 1 }

  private mutating func takeReceivedByte() -> UInt32 {
    guard let byte = received.popFirst() else { return 0 }
    receiveStatus = []
    if received.isEmpty {
      raw.subtract([.receive, .receiveTimeout])
      updateLine()
    }
    return UInt32(byte)
  }

  /// Switching the FIFOs on or off empties the receiver, as in QEMU; bytes on their way out are not lost by it.
  private mutating func setLineControl(_ new: PL011Register.LineControl) {
    let switchesFIFO = new.contains(.fifoEnable) != lineControl.contains(.fifoEnable)
    lineControl = new
    guard switchesFIFO else { return }
    received.removeAll()
    raw.subtract([.receive, .receiveTimeout])
    lowerTransmitInterrupt()
    updateLine()
  }

  // MARK: - Sending

  /// Sends although UARTEN or TXE is off, as QEMU does: programs made for it rely on that.
  private mutating func send(_ byte: UInt8) {
    if control.contains(.loopback) {
      loopBack(byte)
    } else if !transmit.isEmpty || !sink.put(byte) {
      // A write to a full FIFO is lost, as in hardware; FR.TXFF has said so.
      if transmit.count < depth { transmit.push(byte) }
    }
    updateTransmitInterrupt()
    updateLine()
  }

  /// With CR.LBE what is sent is received (3.3.8).
  private mutating func loopBack(_ byte: UInt8) {
    guard control.contains([.uartEnable, .receiveEnable]) else { return }
    if received.count < depth {
      received.push(byte)
      raw.formUnion([.receive, .receiveTimeout])
    } else {
      receiveStatus.insert(.overrun)
      raw.insert(.overrun)
    }
  }

  /// The transmit interrupt is raised at or below the level, by a byte that is sent or leaves, and lowered above it
  /// (2.8.2). Without FEN the level is the empty holding register.
  private var transmitLevel: Int { lineControl.contains(.fifoEnable) ? levelSelect.transmitLevel : 0 }

  private mutating func updateTransmitInterrupt() {
    if transmit.count <= transmitLevel { raw.insert(.transmit) } else { raw.remove(.transmit) }
  }

  /// After a change of the level: only bytes raise the interrupt.
  private mutating func lowerTransmitInterrupt() {
    if transmit.count > transmitLevel {
      raw.remove(.transmit)
      updateLine()
    }
  }

  // MARK: - State

  private var flags: PL011Register.Flags {
    var flags = PL011Register.Flags()
    if received.isEmpty { flags.insert(.receiveEmpty) }
    if received.count >= depth { flags.insert(.receiveFull) }
    if transmit.isEmpty { flags.insert(.transmitEmpty) } else { flags.insert(.busy) }
    if transmit.count >= depth { flags.insert(.transmitFull) }
    if control.contains(.loopback) { flags.formUnion(control.loopedModemFlags) }
    return flags
  }

  private mutating func updateLine() {
    let level = !raw.intersection(enabled).isEmpty
    guard level != isAsserted else { return }
    isAsserted = level
    line.set(isAsserted: level)
  }
}
