import Virtualization

/// The Goldfish real time clock as QEMU's riscv `virt` machine has it: 64 bits of nanoseconds since 1970 (Android's
/// Goldfish hardware; `google,goldfish-rtc`).
///
/// The lower half of the time is read first and keeps the upper half that belongs to it. The alarm interrupts when the time
/// reaches it; nothing calls the device at that moment by itself, so whoever drives it asks for `nextAlarm` and calls
/// `update` then. Registers answer accesses of 8, 16 and 32 bits. Anything else reads as zero and ignores writes. Not
/// thread-safe: the caller has a lock around it.
public struct GoldfishRTC<Line: InterruptLine, Clock: NanosecondsClock>: ~Copyable {
  private let line: Line
  private let clock: Clock
  /// What is added to the clock's nanoseconds, modulo 2^64.
  private var adjustment: UInt64 = 0
  /// The time's upper half when its lower half was last read.
  private var keptUpperTime: UInt32 = 0
  private var alarm: UInt64 = 0
  /// When the alarm is due, in the clock's own nanoseconds; nil where none is set.
  private var deadline: UInt64?
  private var isEnabled = false
  private var isRaised = false
  private var isAsserted = false

  public init(line: Line, clock: Clock) {
    self.line = line
    self.clock = clock
  }

  /// When `update` has to be called, in the clock's nanoseconds: nil where no interrupt can come.
  public var nextAlarm: UInt64? { isEnabled && !isRaised ? deadline : nil }

  /// Looks whether the alarm is due.
  public mutating func update() {
    if let deadline, clock.nanoseconds >= deadline {
      isRaised = true
      self.deadline = nil
    }
    let isDue = isRaised && isEnabled
    guard isDue != isAsserted else { return }
    isAsserted = isDue
    line.set(isAsserted: isDue)
  }

  /// Puts back the state of power-on; the time of day goes on.
  public mutating func reset() {
    adjustment = 0
    keptUpperTime = 0
    alarm = 0
    deadline = nil
    isEnabled = false
    isRaised = false
    update()
  }

  // MARK: - From the guest

  public mutating func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    guard width != .doubleword, let register = GoldfishRTCRegister(rawValue: offset) else { return 0 }
    update()
    return UInt64(readRegister(register)) & width.mask
  }

  public mutating func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    guard width != .doubleword, let register = GoldfishRTCRegister(rawValue: offset) else { return }
    // What was due before the access counts by the registers as they were.
    update()
    writeRegister(register, UInt32(truncatingIfNeeded: value & width.mask))
    update()
  }

  private var time: UInt64 { clock.nanoseconds &+ adjustment }

  private mutating func readRegister(_ register: GoldfishRTCRegister) -> UInt32 {
    switch register {
    case .timeLow:
      let time = time
      keptUpperTime = UInt32(truncatingIfNeeded: time >> 32)
      return UInt32(truncatingIfNeeded: time)
    case .timeHigh: return keptUpperTime
    case .alarmLow: return UInt32(truncatingIfNeeded: alarm)
    case .alarmHigh: return UInt32(truncatingIfNeeded: alarm >> 32)
    case .interruptEnabled: return isEnabled ? 1 : 0
    case .alarmStatus: return deadline != nil ? 1 : 0
    case .clearAlarm, .clearInterrupt: return 0
    }
  }

  private mutating func writeRegister(_ register: GoldfishRTCRegister, _ value: UInt32) {
    switch register {
    case .timeLow: setTime(time & ~0xffff_ffff | UInt64(value))
    case .timeHigh: setTime(time & 0xffff_ffff | UInt64(value) << 32)
    case .alarmLow:
      alarm = alarm & ~0xffff_ffff | UInt64(value)
      setDeadline()
    // The alarm is set by its lower half, which comes last.
    case .alarmHigh: alarm = alarm & 0xffff_ffff | UInt64(value) << 32
    case .interruptEnabled: isEnabled = value & 1 != 0
    case .clearAlarm: deadline = nil
    case .clearInterrupt: isRaised = false
    case .alarmStatus: break
    }
  }

  private mutating func setTime(_ new: UInt64) {
    adjustment = new &- clock.nanoseconds
    if deadline != nil { setDeadline() }
  }

  /// An alarm that is not in the future interrupts at once. One behind the clock's own end never comes.
  private mutating func setDeadline() {
    let (time, now) = (time, clock.nanoseconds)
    let (sum, isTooFar) = now.addingReportingOverflow(alarm > time ? alarm &- time : 0)
    deadline = isTooFar ? .max : sum
  }
}

/// Registers by offset.
private enum GoldfishRTCRegister: UInt64 {
  case timeLow = 0x00
  case timeHigh = 0x04
  case alarmLow = 0x08
  case alarmHigh = 0x0c
  case interruptEnabled = 0x10  // bit 0
  case clearAlarm = 0x14  // any write
  case alarmStatus = 0x18  // bit 0: an alarm is set
  case clearInterrupt = 0x1c  // any write
}
