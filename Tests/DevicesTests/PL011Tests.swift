import Testing
import Virtualization

@testable import Devices

/// Offsets and bits from Arm DDI 0183, chapter 3, written out again.
@Suite("PL011")
struct PL011Tests {
  // MARK: - Power-on state (table 3-1)

  @Test(arguments: [
    (0x00, 0), (0x04, 0), (0x18, 0x90), (0x20, 0), (0x24, 0), (0x28, 0), (0x2c, 0), (0x30, 0x300), (0x34, 0x12),
    (0x38, 0), (0x3c, 0), (0x40, 0), (0x48, 0),
  ])
  func registerHasItsResetValue(offset: UInt64, value: UInt64) {
    let uart = TestPL011(line: FakeLine(), sink: FakeSink())
    #expect(uart.read(offset: offset, width: .word) == value)
  }

  @Test func identificationIsThatOfRevisionOne() {
    let uart = TestPL011(line: FakeLine(), sink: FakeSink())
    var identification: [UInt64] = []
    for offset in stride(from: UInt64(0xfe0), to: 0x1000, by: 4) {
      identification.append(uart.read(offset: offset, width: .word))
    }
    #expect(identification == [0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1])
  }

  // MARK: - Accesses

  @Test(arguments: [AccessWidth.byte, .halfword, .word])
  func registerIsReadAtEveryWidthUpToAWord(width: AccessWidth) {
    let uart = TestPL011(line: FakeLine(), sink: FakeSink())
    uart.write(offset: 0x24, width: .word, value: 0xffff_1234)
    #expect(uart.read(offset: 0x24, width: width) == 0x1234 & width.mask)
  }

  @Test func doublewordReadsAsZeroAndIsIgnored() {
    let sink = FakeSink()
    let uart = TestPL011(line: FakeLine(), sink: sink)
    #expect(uart.read(offset: 0x18, width: .doubleword) == 0)
    uart.write(offset: 0, width: .doubleword, value: 0x41)
    #expect(sink.bytes.isEmpty)
  }

  @Test(arguments: [UInt64(0x19), 0x1a, 0x1b])
  func accessInsideARegisterReadsAsZero(offset: UInt64) {
    let uart = TestPL011(line: FakeLine(), sink: FakeSink())
    #expect(uart.read(offset: offset, width: .byte) == 0)
  }

  @Test(arguments: [UInt64(0x08), 0x1c, 0x4c, 0x800, 0xfdc, 0x1000, .max &- 3])
  func reservedOffsetReadsAsZeroAfterAWrite(offset: UInt64) {
    let uart = TestPL011(line: FakeLine(), sink: FakeSink())
    uart.write(offset: offset, width: .word, value: 0xffff_ffff)
    #expect(uart.read(offset: offset, width: .word) == 0)
  }

  @Test(arguments: [
    (0x20, 0xff), (0x24, 0xffff), (0x28, 0x3f), (0x2c, 0xff), (0x30, 0xff87), (0x34, 0x3f), (0x38, 0x7ff), (0x48, 0x7),
  ])
  func registerKeepsItsImplementedBitsOnly(offset: UInt64, mask: UInt64) {
    let uart = TestPL011(line: FakeLine(), sink: FakeSink())
    uart.write(offset: offset, width: .word, value: 0xffff_ffff)
    #expect(uart.read(offset: offset, width: .word) == mask)
  }

  // MARK: - Receiving

  @Test(arguments: [(0x60, 1), (0x70, 16)])
  func receiverTakesAsManyBytesAsItsFIFOHolds(lineControl: UInt64, depth: Int) {
    let uart = TestPL011.started(FakeLine(), FakeSink(), lineControl: lineControl)
    for index in 0..<depth {
      #expect(uart.read(offset: 0x18, width: .word) & 0x40 == 0, "RXFF")
      #expect(uart.receive(UInt8(index)))
    }
    #expect(!uart.receive(0xff))
    #expect(uart.read(offset: 0x18, width: .word) & 0x50 == 0x40, "RXFF and not RXFE")
    for index in 0..<depth { #expect(uart.read(offset: 0, width: .word) == UInt64(index)) }
    #expect(uart.read(offset: 0x18, width: .word) & 0x50 == 0x10, "RXFE and not RXFF")
    #expect(uart.read(offset: 0, width: .word) == 0)
  }

  @Test(arguments: [UInt64(0), 0x300, 0x101, 0x200, 0x381])
  func receiverTakesNothingUnlessEnabledAndNotLooped(control: UInt64) {
    let uart = TestPL011(line: FakeLine(), sink: FakeSink())
    uart.write(offset: 0x30, width: .word, value: control)
    #expect(!uart.receive(0x41))
  }

  @Test func receivedByteRaisesBothReceiveInterruptsUntilTheLastIsRead() {
    let line = FakeLine()
    let uart = TestPL011.started(line, FakeSink())
    #expect(uart.receive(0x41) && uart.receive(0x42))
    #expect(uart.read(offset: 0x3c, width: .word) == 0x50)
    #expect(uart.read(offset: 0x40, width: .word) == 0 && !line.isAsserted)
    uart.write(offset: 0x38, width: .word, value: 0x50)
    #expect(uart.read(offset: 0x40, width: .word) == 0x50 && line.isAsserted)
    _ = uart.read(offset: 0, width: .word)
    #expect(line.isAsserted)
    _ = uart.read(offset: 0, width: .word)
    #expect(uart.read(offset: 0x3c, width: .word) == 0 && !line.isAsserted)
    #expect(line.changeCount == 2 && line.repetitionCount == 0)
  }

  @Test func clearedReceiveInterruptComesBackWithTheNextByte() {
    let line = FakeLine()
    let uart = TestPL011.started(line, FakeSink())
    uart.write(offset: 0x38, width: .word, value: 0x50)
    #expect(uart.receive(0x41))
    uart.write(offset: 0x44, width: .word, value: 0x50)
    #expect(!line.isAsserted)
    #expect(uart.receive(0x42))
    #expect(line.isAsserted)
  }

  @Test func switchingTheFIFOEmptiesTheReceiver() {
    let line = FakeLine()
    let uart = TestPL011.started(line, FakeSink())
    uart.write(offset: 0x38, width: .word, value: 0x10)
    #expect(uart.receive(0x41))
    uart.write(offset: 0x2c, width: .word, value: 0x60)
    #expect(uart.read(offset: 0x18, width: .word) == 0x90 && !line.isAsserted)
  }

  // MARK: - Sending

  @Test func byteIsSentBeforeAnythingIsEnabled() {
    let sink = FakeSink()
    let uart = TestPL011(line: FakeLine(), sink: sink)
    uart.write(offset: 0, width: .byte, value: 0x48)
    #expect(sink.bytes == [0x48])
    #expect(uart.read(offset: 0x18, width: .word) == 0x90)
    #expect(uart.read(offset: 0x3c, width: .word) == 0x20)
  }

  @Test(arguments: [(0x60, 1), (0x70, 16)])
  func bytesWaitInTheFIFOWhileTheSinkIsFull(lineControl: UInt64, depth: Int) {
    let sink = FakeSink(room: 0)
    let uart = TestPL011.started(FakeLine(), sink, lineControl: lineControl)
    for index in 0..<depth {
      #expect(uart.read(offset: 0x18, width: .word) & 0x20 == 0, "TXFF")
      uart.write(offset: 0, width: .byte, value: UInt64(index))
    }
    #expect(uart.read(offset: 0x18, width: .word) & 0xa8 == 0x28, "TXFF and BUSY, not TXFE")
    uart.write(offset: 0, width: .byte, value: 0xff)
    sink.room = .max
    uart.sinkHasRoom()
    #expect(sink.bytes == (0..<depth).map { UInt8($0) })
    #expect(uart.read(offset: 0x18, width: .word) & 0xa8 == 0x80, "TXFE alone")
  }

  @Test func laterByteDoesNotOvertakeOneThatWaits() {
    let sink = FakeSink(room: 0)
    let uart = TestPL011.started(FakeLine(), sink)
    uart.write(offset: 0, width: .byte, value: 1)
    sink.room = 1
    uart.write(offset: 0, width: .byte, value: 2)
    #expect(sink.bytes.isEmpty)
    uart.sinkHasRoom()
    #expect(sink.bytes == [1])
    sink.room = 1
    uart.sinkHasRoom()
    #expect(sink.bytes == [1, 2])
  }

  /// UARTIFLS.TXIFLSEL (3.3.9).
  @Test(arguments: [(0, 2), (1, 4), (2, 8), (3, 12), (4, 14)])
  func transmitInterruptFollowsTheLevel(select: UInt64, level: Int) {
    let line = FakeLine()
    let sink = FakeSink(room: 0)
    let uart = TestPL011.started(line, sink)
    uart.write(offset: 0x34, width: .word, value: select)
    uart.write(offset: 0x38, width: .word, value: 0x20)
    for count in 1...16 {
      uart.write(offset: 0, width: .byte, value: 0x2e)
      #expect(line.isAsserted == (count <= level))
    }
    for count in (0..<16).reversed() {
      sink.room = 1
      uart.sinkHasRoom()
      #expect(line.isAsserted == (count <= level))
    }
    #expect(line.changeCount == 3 && line.repetitionCount == 0)
  }

  @Test func clearedTransmitInterruptStaysDownUntilAByteMoves() {
    let line = FakeLine()
    let uart = TestPL011.started(line, FakeSink())
    uart.write(offset: 0x38, width: .word, value: 0x20)
    uart.write(offset: 0, width: .byte, value: 0x41)
    #expect(line.isAsserted)
    uart.write(offset: 0x44, width: .word, value: 0x20)
    uart.sinkHasRoom()
    #expect(!line.isAsserted)
    uart.write(offset: 0, width: .byte, value: 0x42)
    #expect(line.isAsserted)
  }

  // MARK: - Loopback (3.3.8)

  @Test func loopedByteIsReceivedAndNotSent() {
    let sink = FakeSink()
    let uart = TestPL011.started(FakeLine(), sink)
    uart.write(offset: 0x30, width: .word, value: 0x381)
    uart.write(offset: 0, width: .byte, value: 0x5a)
    #expect(sink.bytes.isEmpty)
    #expect(uart.read(offset: 0, width: .byte) == 0x5a)
  }

  @Test func loopedByteTooManyIsAnOverrunUntilTheStatusIsCleared() {
    let uart = TestPL011.started(FakeLine(), FakeSink())
    uart.write(offset: 0x30, width: .word, value: 0x381)
    for _ in 0..<17 { uart.write(offset: 0, width: .byte, value: 1) }
    #expect(uart.read(offset: 0x04, width: .word) == 0x8)
    #expect(uart.read(offset: 0x3c, width: .word) & 0x400 != 0)
    uart.write(offset: 0x04, width: .word, value: 0)
    #expect(uart.read(offset: 0x04, width: .word) == 0)
  }

  /// RTS to CTS, DTR to DSR, Out1 to DCD, Out2 to RI.
  @Test(arguments: [(0x800, 0x1), (0x400, 0x2), (0x1000, 0x4), (0x2000, 0x100)])
  func loopedModemOutputIsAnInput(output: UInt64, input: UInt64) {
    let uart = TestPL011(line: FakeLine(), sink: FakeSink())
    uart.write(offset: 0x30, width: .word, value: output)
    #expect(uart.read(offset: 0x18, width: .word) == 0x90)
    uart.write(offset: 0x30, width: .word, value: output | 0x80)
    #expect(uart.read(offset: 0x18, width: .word) == 0x90 | input)
  }

  // MARK: - Reset

  @Test func resetLowersTheLineAndKeepsWhatWasSent() {
    let line = FakeLine()
    let sink = FakeSink(room: 0)
    let uart = TestPL011.started(line, sink)
    uart.write(offset: 0x38, width: .word, value: 0x7ff)
    #expect(uart.receive(0x41))
    uart.write(offset: 0, width: .byte, value: 0x42)
    uart.reset()
    #expect(!line.isAsserted && line.repetitionCount == 0)
    #expect(uart.read(offset: 0x30, width: .word) == 0x300 && uart.read(offset: 0x38, width: .word) == 0)
    sink.room = .max
    uart.sinkHasRoom()
    #expect(sink.bytes == [0x42])
  }
}
