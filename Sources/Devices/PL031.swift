import Virtualization

/// Arm's PrimeCell real time clock (DDI 0224, PL031), as QEMU's `virt` has it: 32 bits of seconds since 1970.
///
/// The clock always runs. Its interrupt comes when the count reaches the match register; nothing calls the device at
/// that moment by itself, so whoever drives it asks for `nextAlarm` and calls `update` then. Registers answer
/// accesses of 8, 16 and 32 bits. Anything else reads as zero and ignores writes. Not thread-safe: the caller has a
/// lock around it.
public struct PL031<Line: InterruptLine, Clock: SecondsClock>: ~Copyable {
  private let line: Line
  private let clock: Clock
  /// What is added to the clock's seconds, modulo 2^32.
  private var adjustment: UInt32 = 0
  private var loaded: UInt32 = 0
  private var match: UInt32 = 0
  private var isEnabled = false
  private var isRaised = false
  private var isAsserted = false
  /// When the count next reaches `match`, in the clock's own seconds; nil before the guest has set one.
  private var deadline: UInt64?

  public init(line: Line, clock: Clock) {
    self.line = line
    self.clock = clock
  }

  /// When `update` has to be called, in the clock's seconds: nil where no interrupt can come.
  public var nextAlarm: UInt64? { isEnabled && !isRaised ? deadline : nil }

  /// Looks whether the count has reached the match register.
  public mutating func update() {
    if let deadline, clock.seconds >= deadline {
      isRaised = true
      // The count comes round after 2^32 seconds.
      self.deadline = deadline &+ (1 &<< 32)
    }
    let isDue = isRaised && isEnabled
    guard isDue != isAsserted else { return }
    isAsserted = isDue
    line.set(isAsserted: isDue)
  }

  /// Puts back the state of power-on; the time of day goes on.
  public mutating func reset() {
    adjustment = 0
    loaded = 0
    match = 0
    isEnabled = false
    isRaised = false
    deadline = nil
    update()
  }

  public mutating func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    guard offset & 3 == 0, width != .doubleword else { return 0 }
    update()
    return UInt64(readRegister(offset)) & width.mask
  }

  public mutating func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    guard offset & 3 == 0, width != .doubleword else { return }
    // A second that passed before the access counts by the registers as they were.
    update()
    writeRegister(offset, UInt32(truncatingIfNeeded: value & width.mask))
    update()
  }

  private var count: UInt32 { UInt32(truncatingIfNeeded: clock.seconds) &+ adjustment }

  private func readRegister(_ offset: UInt64) -> UInt32 {
    switch offset {
    case PL031Offset.dr: count
    case PL031Offset.mr: match
    case PL031Offset.lr: loaded
    case PL031Offset.cr: 1
    case PL031Offset.imsc: isEnabled ? 1 : 0
    case PL031Offset.ris: isRaised ? 1 : 0
    case PL031Offset.mis: isRaised && isEnabled ? 1 : 0
    case PrimeCell.firstID...PrimeCell.lastID: PrimeCell.identification(PL031Offset.identification, at: offset)
    default: 0
    }
  }

  private mutating func writeRegister(_ offset: UInt64, _ value: UInt32) {
    switch offset {
    case PL031Offset.mr:
      match = value
      setDeadline()
    case PL031Offset.lr:
      loaded = value
      adjustment = value &- UInt32(truncatingIfNeeded: clock.seconds)
      if deadline != nil { setDeadline() }
    case PL031Offset.imsc: isEnabled = value & 1 != 0
    case PL031Offset.icr: if value & 1 != 0 { isRaised = false }
    default: break
    }
  }

  /// A match register that equals the count interrupts at once.
  private mutating func setDeadline() { deadline = clock.seconds &+ UInt64(match &- count) }
}

/// Registers by offset.
private enum PL031Offset {
  static let dr: UInt64 = 0x00  // RTCDR: the count
  static let mr: UInt64 = 0x04  // RTCMR: match
  static let lr: UInt64 = 0x08  // RTCLR: load
  static let cr: UInt64 = 0x0c  // RTCCR: bit 0, the clock runs
  static let imsc: UInt64 = 0x10  // RTCIMSC: bit 0, interrupt on
  static let ris: UInt64 = 0x14  // RTCRIS: raw interrupt
  static let mis: UInt64 = 0x18  // RTCMIS: masked interrupt
  static let icr: UInt64 = 0x1c  // RTCICR: clears the interrupt

  /// RTCPeriphID: part 0x031, designer 0x41, revision 1; the lowest byte is RTCPeriphID0.
  static let identification: UInt32 = 0x0014_1031
}
