import Testing
import Virtualization

@testable import Devices

/// Motorola MC146818A; dates by any calendar.
struct CMOSClockTests {
  private struct Fixed: SecondsClock { let seconds: UInt64 }

  private func read(_ clock: inout CMOSClock<Fixed>, _ register: UInt64) -> UInt64 {
    clock.write(offset: 0, width: .byte, value: register)
    return clock.read(offset: 1, width: .byte)
  }

  private func write(_ clock: inout CMOSClock<Fixed>, _ register: UInt64, _ value: UInt64) {
    clock.write(offset: 0, width: .byte, value: register)
    clock.write(offset: 1, width: .byte, value: value)
  }

  @Test(
    arguments: [
      (0, 1970, 1, 1, 5), (951_782_400, 2000, 2, 29, 3), (1_709_164_800, 2024, 2, 29, 5),
      (1_735_603_200, 2024, 12, 31, 3),
      (4_107_542_400, 2100, 3, 1, 2),
    ] as [(UInt64, UInt64, UInt64, UInt64, UInt64)])
  func `seconds become a date and come back`(seconds: UInt64, year: UInt64, month: UInt64, day: UInt64, weekday: UInt64)
  {
    let date = CalendarDate(seconds: seconds + 3661)
    check(date.year == year && date.month == month && date.day == day)
    check(date.hour == 1 && date.minute == 1 && date.second == 1)
    check(date.seconds == seconds + 3661)
    check(date.weekday == weekday)
  }

  @Test func `every day for four centuries follows the one before`() {
    var before = CalendarDate(seconds: 0)
    for day in 1..<146_097 as Range<UInt64> {
      let date = CalendarDate(seconds: day * 86400)
      check(date.day == before.day + 1 || date.day == 1)
      check(date.seconds == day * 86400)
      before = date
    }
  }

  @Test func `the registers tell the time in decimal digits`() {
    var clock = CMOSClock(clock: Fixed(seconds: 1_709_164_800 + 13 * 3600 + 45 * 60 + 59))
    check(read(&clock, 0) == 0x59)
    check(read(&clock, 2) == 0x45)
    check(read(&clock, 4) == 0x13)
    check(read(&clock, 7) == 0x29)
    check(read(&clock, 8) == 0x02)
    check(read(&clock, 9) == 0x24)
    check(read(&clock, 0x32) == 0x20)
    check(read(&clock, 0x0a) & 0x80 == 0)
    check(read(&clock, 0x0b) == 0x02)
    check(read(&clock, 0x0d) == 0x80)
  }

  @Test func `what is set goes on from there, in either coding`() {
    var clock = CMOSClock(clock: Fixed(seconds: 1000))
    write(&clock, 0x32, 0x20)
    write(&clock, 9, 0x26)
    write(&clock, 8, 0x11)
    write(&clock, 7, 0x23)
    check(read(&clock, 9) == 0x26 && read(&clock, 8) == 0x11 && read(&clock, 7) == 0x23)
    write(&clock, 0x0b, 0x06)
    check(read(&clock, 7) == 23 && read(&clock, 9) == 26)
  }

  @Test func `the rest is memory`() {
    var clock = CMOSClock(clock: Fixed(seconds: 0))
    write(&clock, 0x7f, 0xa5)
    check(read(&clock, 0x7f) == 0xa5)
    check(read(&clock, 0x60) == 0)
  }

  @Test func `no access makes it trap`() {
    var clock = CMOSClock(clock: Fixed(seconds: 5))
    var seed: UInt64 = 9
    for _ in 0..<50_000 {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let width: AccessWidth = seed >> 63 == 0 ? .byte : .halfword
      clock.write(offset: seed >> 20 & 1, width: width, value: seed >> 32)
      _ = clock.read(offset: seed >> 21 & 1, width: width)
    }
  }
}

/// An expectation about what cannot be copied, or changes while it is asked.
private func check(_ condition: Bool, sourceLocation: SourceLocation = #_sourceLocation) {
  #expect(condition, sourceLocation: sourceLocation)
}
