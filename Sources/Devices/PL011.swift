import Virtualization

/// Arm's PrimeCell UART (DDI 0183, PL011), as QEMU's `virt` has it.
///
/// The baud rate does not slow it down: a character is sent as soon as the sink takes it, and the line is idle as soon
/// as a character has come in. As in QEMU, characters are sent whether or not the guest has enabled the UART, since
/// guests count on that, and any received character raises the receive interrupt, however the trigger level is set;
/// the receive timeout interrupt comes with it. Modem lines are not connected.
///
/// Registers are 32 bits apart and answer accesses of 8, 16 and 32 bits; one of 64 bits is two of 32. Anything else
/// reads as zero and ignores writes. Not thread-safe: the caller has a lock around it.
public struct PL011<Line: InterruptLine, Sink: CharacterSink>: ~Copyable {
  /// Bytes of address space.
  public static var byteCount: UInt64 { 0x1000 }

  private let line: Line
  private let sink: Sink
  private var registers = PL011Registers()
  private var received = CharacterFIFO()
  private var toSend = CharacterFIFO()
  private var isAsserted = false

  public init(line: Line, sink: Sink) {
    self.line = line
    self.sink = sink
  }

  // MARK: - The guest's side

  public mutating func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    guard offset & 3 == 0, offset < Self.byteCount else { return 0 }
    if width == .doubleword {
      return UInt64(readRegister(offset)) | UInt64(readRegister(offset &+ 4)) &<< 32
    }
    return UInt64(readRegister(offset)) & width.mask
  }

  public mutating func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    guard offset & 3 == 0, offset < Self.byteCount else { return }
    writeRegister(offset, UInt32(truncatingIfNeeded: value & width.mask))
    if width == .doubleword { writeRegister(offset &+ 4, UInt32(truncatingIfNeeded: value &>> 32)) }
  }

  /// Puts back the state of power-on; what was not sent yet is lost.
  public mutating func reset() {
    registers = PL011Registers()
    received.setDepth(1)
    toSend.setDepth(1)
    updateLine()
  }

  // MARK: - The outside

  /// A character has come in. False where there is no room for it: offer it again later.
  public mutating func receive(_ byte: UInt8) -> Bool {
    // In loopback the receiver is cut off from the outside.
    guard !registers.control.contains(.lbe) else { return false }
    return take(byte)
  }

  /// How many characters could be received now.
  public var receiveCapacity: Int {
    registers.control.contains(.lbe) ? 0 : received.depth - received.count
  }

  /// The sink has room again: sends what is waiting.
  public mutating func sinkHasRoom() {
    guard !toSend.isEmpty else { return }
    while let byte = toSend.peek(), sink.put(byte) { _ = toSend.popFirst() }
    if toSend.count <= registers.sendTrigger(depth: toSend.depth) { registers.raw.insert(.tx) }
    updateLine()
  }

  // MARK: - Registers

  private mutating func readRegister(_ offset: UInt64) -> UInt32 {
    switch offset {
    case PL011Registers.Offset.fr: flags.rawValue
    case PL011Registers.Offset.dr: readData()
    case PL011Registers.Offset.ilpr: registers.lowPower
    case PL011Registers.Offset.ibrd: registers.integerDivisor
    case PL011Registers.Offset.fbrd: registers.fractionalDivisor
    case PL011Registers.Offset.lcr_h: registers.lineControl.rawValue
    case PL011Registers.Offset.cr: registers.control.rawValue
    case PL011Registers.Offset.ifls: registers.trigger
    case PL011Registers.Offset.imsc: registers.mask.rawValue
    case PL011Registers.Offset.ris: registers.raw.rawValue
    case PL011Registers.Offset.mis: registers.raw.intersection(registers.mask).rawValue
    case PL011Registers.Offset.dmacr: registers.dmaControl
    default: PL011Registers.identification(offset)
    }
  }

  private mutating func writeRegister(_ offset: UInt64, _ value: UInt32) {
    switch offset {
    case PL011Registers.Offset.dr: send(UInt8(truncatingIfNeeded: value))
    case PL011Registers.Offset.ilpr: registers.lowPower = value & 0xff
    case PL011Registers.Offset.ibrd: registers.integerDivisor = value & 0xffff
    case PL011Registers.Offset.fbrd: registers.fractionalDivisor = value & 0x3f
    case PL011Registers.Offset.lcr_h: setLineControl(PL011Registers.LineControl(rawValue: value & 0xff))
    case PL011Registers.Offset.cr: registers.control = PL011Registers.Control(rawValue: value & 0xff87)
    case PL011Registers.Offset.ifls: registers.trigger = value & 0x3f
    case PL011Registers.Offset.imsc: registers.mask = PL011Registers.Interrupts(rawValue: value & 0x7ff)
    case PL011Registers.Offset.icr: registers.raw.subtract(PL011Registers.Interrupts(rawValue: value))
    case PL011Registers.Offset.dmacr: registers.dmaControl = value & 0x7
    default: return
    }
    updateLine()
  }

  private var flags: PL011Registers.Flags {
    var flags: PL011Registers.Flags = []
    if toSend.isEmpty { flags.insert(.txfe) } else { flags.insert(.busy) }
    if toSend.isFull { flags.insert(.txff) }
    if received.isEmpty { flags.insert(.rxfe) }
    if received.isFull { flags.insert(.rxff) }
    return flags
  }

  /// The FIFOs are on or off; turning them either way empties them.
  private mutating func setLineControl(_ new: PL011Registers.LineControl) {
    if new.contains(.fen) != registers.lineControl.contains(.fen) {
      let depth = new.contains(.fen) ? CharacterFIFO.maximumDepth : 1
      // What the guest has sent is on its way already.
      while let byte = toSend.peek(), sink.put(byte) { _ = toSend.popFirst() }
      received.setDepth(depth)
      toSend.setDepth(depth)
      registers.raw.subtract([.rx, .rt])
    }
    registers.lineControl = new
  }

  private mutating func readData() -> UInt32 {
    guard let byte = received.popFirst() else { return 0 }
    if received.isEmpty {
      registers.raw.subtract([.rx, .rt])
      updateLine()
    }
    return UInt32(byte)
  }

  private mutating func send(_ byte: UInt8) {
    if registers.control.contains(.lbe) {
      _ = take(byte)
      registers.raw.insert(.tx)
      return
    }
    // Order is kept: behind what waits already. A full FIFO drops the character, as the guest was told by TXFF.
    if !toSend.isEmpty || !sink.put(byte) { _ = toSend.append(byte) }
    if toSend.count <= registers.sendTrigger(depth: toSend.depth) {
      registers.raw.insert(.tx)
    } else {
      registers.raw.remove(.tx)
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard received.append(byte) else { return false }
    registers.raw.insert([.rx, .rt])
    updateLine()
    return true
  }

  private mutating func updateLine() {
    let isDue = !registers.raw.isDisjoint(with: registers.mask)
    guard isDue != isAsserted else { return }
    isAsserted = isDue
    line.set(isAsserted: isDue)
  }
}
