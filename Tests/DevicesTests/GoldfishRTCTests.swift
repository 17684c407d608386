import TestSupport
import Testing
import Virtualization

@testable import Devices

/// By the register list of Android's Goldfish virtual hardware, "Goldfish RTC", and what Linux's driver does.
@Suite struct GoldfishRTCTests {
  private final class Board {
    let line = FakeLine()
    let clock = FakeNanosecondsClock()
    var rtc: GoldfishRTC<FakeLine, FakeNanosecondsClock>

    init() { rtc = GoldfishRTC(line: line, clock: clock) }

    var nextAlarm: UInt64? { rtc.nextAlarm }
    func read(_ offset: UInt64, _ width: AccessWidth = .word) -> UInt64 { rtc.read(offset: offset, width: width) }
    func write(_ offset: UInt64, _ value: UInt64) { rtc.write(offset: offset, width: .word, value: value) }

    /// As Linux's driver does: the lower half first.
    func readTime() -> UInt64 {
      let low = read(0x00)
      return read(0x04) << 32 | low
    }

    /// As Linux's driver does: the upper half first, then the interrupt.
    func setAlarm(_ time: UInt64) {
      write(0x0c, time >> 32)
      write(0x08, time & 0xffff_ffff)
      write(0x10, 1)
    }
  }

  private let start: UInt64 = 1_577_836_800_000_000_000

  @Test func theTimeIsTheClocks() {
    let board = Board()
    #expect(board.readTime() == start)
    board.clock.nanoseconds += 5_000_000_007
    #expect(board.readTime() == start + 5_000_000_007)
  }

  @Test func theUpperHalfBelongsToTheLowerHalfThatWasRead() {
    let board = Board()
    board.clock.nanoseconds = 0x1_ffff_ffff
    #expect(board.read(0x00) == 0xffff_ffff)
    board.clock.nanoseconds += 1
    #expect(board.read(0x04) == 1)
    #expect(board.readTime() == 0x2_0000_0000)
  }

  @Test func aTimeThatIsSetGoesOnFromThere() {
    let board = Board()
    board.write(0x04, 0x12)
    board.write(0x00, 0x3456_789a)
    board.clock.nanoseconds += 6
    #expect(board.readTime() == 0x12_3456_78a0)
  }

  @Test func theAlarmInterruptsWhenItIsReachedAndOnce() {
    let board = Board()
    board.setAlarm(start + 1000)
    #expect(board.nextAlarm == start + 1000)
    #expect(board.read(0x18) == 1)
    board.clock.nanoseconds += 999
    board.rtc.update()
    #expect(!board.line.isAsserted)
    board.clock.nanoseconds += 1
    board.rtc.update()
    #expect(board.line.isAsserted)
    #expect(board.read(0x18) == 0 && board.nextAlarm == nil)
    board.write(0x1c, 1)
    #expect(!board.line.isAsserted)
    board.clock.nanoseconds += 1000
    board.rtc.update()
    #expect(board.line.changeCount == 2)
  }

  @Test func anAlarmInThePastInterruptsAtOnce() {
    let board = Board()
    board.setAlarm(start)
    #expect(board.line.isAsserted)
  }

  @Test func anAlarmThatIsClearedDoesNotCome() {
    let board = Board()
    board.setAlarm(start + 10)
    board.write(0x14, 1)
    #expect(board.read(0x18) == 0 && board.nextAlarm == nil)
    board.clock.nanoseconds += 10
    board.rtc.update()
    #expect(!board.line.isAsserted)
  }

  @Test func anAlarmWithoutItsInterruptIsSeenWhenThatIsEnabled() {
    let board = Board()
    board.write(0x0c, 0)
    board.write(0x08, 1)
    #expect(!board.line.isAsserted && board.nextAlarm == nil)
    board.write(0x10, 1)
    #expect(board.line.isAsserted)
  }

  @Test func anotherTimeMovesTheAlarm() {
    let board = Board()
    board.setAlarm(start + 100)
    board.write(0x00, (start + 60) & 0xffff_ffff)
    #expect(board.nextAlarm == start + 40)
  }

  @Test func anAlarmBehindTheEndOfTheClockNeverComes() {
    let board = Board()
    board.write(0x04, 0)
    board.setAlarm(.max)
    #expect(board.nextAlarm == .max)
    board.rtc.update()
    #expect(!board.line.isAsserted)
  }

  @Test func aResetKeepsTheTimeOfDay() {
    let board = Board()
    board.write(0x04, 5)
    board.setAlarm(0)
    board.rtc.reset()
    #expect(!board.line.isAsserted && board.readTime() == start && board.nextAlarm == nil)
    #expect((1..<8).map { board.read($0 * 4) } == [start >> 32, 0, 0, 0, 0, 0, 0])
  }

  @Test func randomAccessesKeepTheLineAndTheAlarmTogether() {
    var generator = SeededGenerator(seed: 7)
    let board = Board()
    let widths: [AccessWidth] = [.byte, .halfword, .word, .doubleword]
    var wrong = 0
    for _ in 0..<20_000 {
      board.clock.nanoseconds += UInt64.random(in: 0...3, using: &generator)
      let offset = UInt64.random(in: 0...0x24, using: &generator)
      let width = widths[Int.random(in: 0...3, using: &generator)]
      let low = board.read(0x00)
      let value = [low, low + 2, 0, 1, .max].randomElement(using: &generator) ?? 0
      board.rtc.write(offset: offset, width: width, value: value)
      if board.read(offset, width) & ~width.mask != 0 { wrong += 1 }
      if let alarm = board.nextAlarm, alarm <= board.clock.nanoseconds || board.line.isAsserted { wrong += 1 }
    }
    #expect(wrong == 0 && board.line.repetitionCount == 0 && board.line.changeCount > 50)
  }
}
