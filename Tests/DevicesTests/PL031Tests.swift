import TestSupport
import Testing
import Virtualization

@testable import Devices

/// By DDI 0224, chapter 3.
@Suite struct PL031Tests {
  private final class Board {
    let line = FakeLine()
    let clock = FakeClock()
    var rtc: PL031<FakeLine, FakeClock>

    init() { rtc = PL031(line: line, clock: clock) }

    var nextAlarm: UInt64? { rtc.nextAlarm }
    func read(_ offset: UInt64, _ width: AccessWidth) -> UInt64 { rtc.read(offset: offset, width: width) }
    func read(_ offset: UInt64) -> UInt64 { rtc.read(offset: offset, width: .word) }
    func write(_ offset: UInt64, _ value: UInt64) { rtc.write(offset: offset, width: .word, value: value) }
  }

  @Test func theCountIsTheTimeOfDay() {
    let board = Board()
    #expect(board.read(0x00) == 1_577_836_800)
    board.clock.seconds += 61
    #expect(board.read(0x00) == 1_577_836_861)
    #expect(board.read(0x0c) == 1)
    #expect((0..<8).map { board.read(0xfe0 + $0 * 4) } == [0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1])
  }

  @Test func aLoadedCountGoesOnFromThere() {
    let board = Board()
    board.write(0x08, 1000)
    board.clock.seconds += 5
    #expect(board.read(0x00) == 1005)
    #expect(board.read(0x08) == 1000)
  }

  @Test func theCountWrapsAt32Bits() {
    let board = Board()
    board.write(0x08, 0xffff_ffff)
    board.clock.seconds += 1
    #expect(board.read(0x00) == 0)
  }

  @Test func theMatchInterruptsWhenItIsReached() {
    let board = Board()
    board.write(0x08, 100)
    board.write(0x04, 110)
    board.write(0x10, 1)
    #expect(board.nextAlarm == board.clock.seconds + 10)
    board.clock.seconds += 9
    board.rtc.update()
    #expect(!board.line.isAsserted)
    board.clock.seconds += 1
    board.rtc.update()
    #expect(board.line.isAsserted)
    #expect(board.read(0x14) == 1)
    #expect(board.read(0x18) == 1)
    #expect(board.nextAlarm == nil)
    board.write(0x1c, 1)
    #expect(!board.line.isAsserted)
    #expect(board.nextAlarm == board.clock.seconds + (1 << 32))
  }

  @Test func aMaskedMatchIsRawOnly() {
    let board = Board()
    board.write(0x04, 1_577_836_801)
    board.clock.seconds += 2
    #expect(board.read(0x14) == 1)
    #expect(board.read(0x18) == 0)
    #expect(!board.line.isAsserted)
    board.write(0x10, 1)
    #expect(board.line.isAsserted)
  }

  @Test func aMatchThatIsNowInterruptsAtOnce() {
    let board = Board()
    board.write(0x10, 1)
    board.write(0x04, board.read(0x00))
    #expect(board.line.isAsserted)
  }

  @Test func aMatchInThePastWaitsForTheCountToComeRound() {
    let board = Board()
    board.write(0x10, 1)
    board.write(0x04, board.read(0x00) - 1)
    #expect(!board.line.isAsserted)
    #expect(board.nextAlarm == board.clock.seconds + 0xffff_ffff)
  }

  @Test func aResetKeepsTheTimeOfDay() {
    let board = Board()
    board.write(0x08, 5)
    board.write(0x10, 1)
    board.write(0x04, 5)
    board.rtc.reset()
    #expect(!board.line.isAsserted)
    #expect(board.read(0x00) == 1_577_836_800)
    #expect(board.nextAlarm == nil)
  }

  @Test(arguments: [AccessWidth.byte, .halfword, .word, .doubleword])
  func everyOffsetAnswersEveryWidth(width: AccessWidth) {
    let board = Board()
    for offset in UInt64(0)...0x1008 {
      board.rtc.write(offset: offset, width: width, value: 0xa5a5_a5a5_a5a5_a5a5)
      #expect(board.read(offset, width) & ~width.mask == 0)
    }
  }

  @Test func aMatchThatPassedUnseenIsNotForgottenWhenAnotherIsSet() {
    let board = Board()
    board.write(0x04, board.read(0x00) + 1)
    board.clock.seconds += 2
    board.write(0x04, board.clock.seconds + 100)
    #expect(board.read(0x14) == 1)
  }

  @Test func randomAccessesKeepTheLineAndTheStatusTogether() {
    var generator = SeededGenerator(seed: 31)
    let board = Board()
    let widths: [AccessWidth] = [.byte, .halfword, .word, .doubleword]
    var wrong = 0
    for _ in 0..<20_000 {
      board.clock.seconds += UInt64.random(in: 0...3, using: &generator)
      let offset = UInt64.random(in: 0...9, using: &generator) * 4
      let width = widths[Int.random(in: 0...3, using: &generator)]
      let now = board.read(0x00)
      let value = [now, now + 2, 0, 1, .max].randomElement(using: &generator) ?? 0
      board.rtc.write(offset: offset, width: width, value: value)
      if board.read(offset, width) & ~width.mask != 0 { wrong += 1 }
      let isRaised = board.read(0x18) == 1
      if board.line.isAsserted != isRaised { wrong += 1 }
      if let alarm = board.nextAlarm, alarm <= board.clock.seconds { wrong += 1 }
    }
    #expect(wrong == 0 && board.line.repetitionCount == 0 && board.line.changeCount > 50)
  }
}
