import Virtualization

/// The clock of a PC (Motorola MC146818A): an index at offset 0, the register it names at offset 1.
///
/// Time and date count on from where the guest has set them; alarm, periodic and update interrupts do not exist, and their
/// enables read as zero. The rest are 114 bytes of memory. Not thread-safe.
public struct CMOSClock<Clock: SecondsClock>: ~Copyable {
  private let clock: Clock
  private var index: UInt8 = 0
  /// Seconds that the guest has added to the clock, modulo 2⁶⁴.
  private var offset: UInt64 = 0
  private var isBinary = false
  private var memory = InlineArray<128, UInt8>(repeating: 0)

  public init(clock: Clock) { self.clock = clock }

  public mutating func reset() {
    index = 0
    isBinary = false
  }

  public mutating func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    guard offset == 1, width == .byte else { return width.mask }
    return UInt64(register(index))
  }

  public mutating func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    let byte = UInt8(truncatingIfNeeded: value)
    if offset == 0 {
      index = byte & 0x7f  // bit 7 masks non-maskable interrupts, of which there are none
    } else if width == .byte {
      set(index, to: byte)
    }
  }

  // MARK: - Registers

  private func register(_ number: UInt8) -> UInt8 {
    let date = CalendarDate(seconds: clock.seconds &+ offset)
    switch number {
    case Register.seconds: return coded(date.second)
    case Register.minutes: return coded(date.minute)
    case Register.hours: return coded(date.hour)
    case Register.weekday: return coded(date.weekday)
    case Register.day: return coded(date.day)
    case Register.month: return coded(date.month)
    case Register.year: return coded(date.year % 100)
    case Register.century: return coded(date.year / 100)
    case Register.a: return Register.aValue
    case Register.b: return Register.b24Hours | (isBinary ? Register.bBinary : 0)
    case Register.c: return 0
    case Register.d: return Register.dValue
    default: return memory[Int(number & 0x7f)]
    }
  }

  private mutating func set(_ number: UInt8, to byte: UInt8) {
    let now = clock.seconds &+ offset
    var date = CalendarDate(seconds: now)
    let value = decoded(byte)
    switch number {
    case Register.seconds: date.second = value
    case Register.minutes: date.minute = value
    case Register.hours: date.hour = value
    case Register.day: date.day = max(1, value)
    case Register.month: date.month = min(12, max(1, value))
    case Register.year: date.year = date.year / 100 * 100 + value
    case Register.century: date.year = value * 100 + date.year % 100
    case Register.b:
      isBinary = byte & Register.bBinary != 0
      return
    case Register.weekday, Register.a, Register.c, Register.d: return
    default:
      memory[Int(number & 0x7f)] = byte
      return
    }
    offset &+= date.seconds &- now
  }

  /// Two decimal digits, or the number itself.
  private func coded(_ value: UInt64) -> UInt8 {
    UInt8(truncatingIfNeeded: isBinary ? value : (value / 10) << 4 | value % 10)
  }

  private func decoded(_ byte: UInt8) -> UInt64 { isBinary ? UInt64(byte) : UInt64(byte >> 4) * 10 + UInt64(byte & 15) }
}

/// Numbers of registers, and what is in those that never change (MC146818A, table 4).
private enum Register {
  static let seconds: UInt8 = 0x00
  static let minutes: UInt8 = 0x02
  static let hours: UInt8 = 0x04
  static let weekday: UInt8 = 0x06
  static let day: UInt8 = 0x07
  static let month: UInt8 = 0x08
  static let year: UInt8 = 0x09
  static let a: UInt8 = 0x0a
  static let b: UInt8 = 0x0b
  static let c: UInt8 = 0x0c
  static let d: UInt8 = 0x0d
  static let century: UInt8 = 0x32
  /// The divider for a crystal of 32768 Hz; no update is ever under way.
  static let aValue: UInt8 = 0x26
  static let b24Hours: UInt8 = 0x02
  static let bBinary: UInt8 = 0x04
  /// Memory and time are valid.
  static let dValue: UInt8 = 0x80
}

/// A moment by the Gregorian calendar.
struct CalendarDate: Equatable {
  var year: UInt64
  var month: UInt64
  var day: UInt64
  var hour: UInt64
  var minute: UInt64
  var second: UInt64

  private static let secondsInDay: UInt64 = 86400
  /// Days from 1 March of the year 0 to 1 January 1970.
  private static let epoch: UInt64 = 719_468

  /// - Parameter seconds: Since 1970. Beyond the year 9999 they begin anew.
  init(seconds: UInt64) {
    let seconds = seconds % 253_402_300_800
    let time = seconds % Self.secondsInDay
    hour = time / 3600
    minute = time / 60 % 60
    second = time % 60
    // Years begin in March here, so that the leap day comes last.
    let days = seconds / Self.secondsInDay + Self.epoch
    let era = days / 146_097
    let dayOfEra = days % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  /// Since 1970; a field that is too large counts on into the next one. Years before 1970 are 1970.
  var seconds: UInt64 {
    let shifted = max(year, 1970) - (month <= 2 ? 1 : 0)
    let era = shifted / 400
    let yearOfEra = shifted % 400
    let monthFromMarch = month > 2 ? month - 3 : month + 9
    let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    let days = era * 146_097 + dayOfEra - Self.epoch
    return days * Self.secondsInDay + hour * 3600 + minute * 60 + second
  }

  /// 1 is Sunday.
  var weekday: UInt64 { (seconds / Self.secondsInDay + 4) % 7 + 1 }
}
