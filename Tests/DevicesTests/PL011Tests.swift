import Testing
import Virtualization

@testable import Devices

/// By DDI 0183, chapter 3.
@Suite struct PL011Tests {
  /// A device under test and what it acts on.
  private final class Port {
    let line = FakeLine()
    let sink = FakeSink()
    var uart: PL011<FakeLine, FakeSink>

    init() { uart = PL011(line: line, sink: sink) }

    func read(_ offset: UInt64, _ width: AccessWidth = .word) -> UInt64 {
      uart.read(offset: offset, width: width)
    }

    func write(_ offset: UInt64, _ value: UInt64, _ width: AccessWidth = .word) {
      uart.write(offset: offset, width: width, value: value)
    }

    func receive(_ byte: UInt8) -> Bool { uart.receive(byte) }

    var receiveCapacity: Int { uart.receiveCapacity }

    func send(_ text: String) { for byte in text.utf8 { write(0, UInt64(byte)) } }
  }

  @Test func atPowerOnTheRegistersHaveTheManualsValues() {
    let port = Port()
    #expect(port.read(0x018) == 0x90)
    #expect(port.read(0x030) == 0x300)
    #expect(port.read(0x034) == 0x12)
    for offset in [0x000, 0x004, 0x020, 0x024, 0x028, 0x02c, 0x038, 0x03c, 0x040, 0x048] as [UInt64] {
      #expect(port.read(offset) == 0)
    }
    #expect((0..<8).map { port.read(0xfe0 + $0 * 4) } == [0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1])
  }

  @Test func sentCharactersReachTheSink() {
    let port = Port()
    port.send("apus")
    #expect(port.sink.bytes == Array("apus".utf8))
    #expect(port.read(0x018) == 0x90)
    #expect(port.read(0x03c) == 0x20)
  }

  @Test func aSinkWithoutRoomFillsTheFIFOAndLosesNothingUntilItIsFull() {
    let port = Port()
    port.write(0x02c, 0x70)
    port.sink.room = 0
    port.send("0123456789abcdef")
    // BUSY, TXFF, RXFE.
    #expect(port.read(0x018) == 0x38)
    #expect(port.read(0x03c) & 0x20 == 0)
    port.send("X")
    port.sink.room = .max
    port.uart.sinkHasRoom()
    #expect(port.sink.bytes == Array("0123456789abcdef".utf8))
    #expect(port.read(0x018) == 0x90)
    #expect(port.read(0x03c) & 0x20 == 0x20)
  }

  @Test func theTransmitInterruptComesWhenTheFIFOHasDrainedToItsTrigger() {
    let port = Port()
    port.write(0x02c, 0x70)
    port.write(0x038, 0x20)
    port.sink.room = 0
    port.send("0123456789abcdef")
    port.write(0x044, 0x20)
    #expect(!port.line.isAsserted)
    port.sink.room = 7
    port.uart.sinkHasRoom()
    #expect(!port.line.isAsserted)
    port.sink.room = 1
    port.uart.sinkHasRoom()
    #expect(port.line.isAsserted)
  }

  @Test func charactersThatWaitStayInOrder() {
    let port = Port()
    port.write(0x02c, 0x10)
    port.sink.room = 1
    port.send("ab")
    port.sink.room = 1
    port.send("c")
    port.sink.room = .max
    port.uart.sinkHasRoom()
    #expect(port.sink.bytes == Array("abc".utf8))
  }

  @Test func withoutFIFOsOneCharacterWaits() {
    let port = Port()
    port.sink.room = 0
    port.send("a")
    #expect(port.read(0x018) & 0x20 == 0x20)
    #expect(port.receive(0x31))
    #expect(!port.receive(0x32))
    #expect(port.read(0x018) & 0x40 == 0x40)
  }

  @Test func receivedCharactersAreReadInOrderAndThenTheFIFOIsEmpty() {
    let port = Port()
    port.write(0x02c, 0x10)
    #expect(port.receive(0x61))
    #expect(port.receive(0x62))
    #expect(port.read(0x018) == 0x80)
    #expect(port.read(0) == 0x61)
    #expect(port.read(0) == 0x62)
    #expect(port.read(0x018) == 0x90)
    #expect(port.read(0) == 0)
  }

  @Test func aFullReceiverRefusesAndLosesNothing() {
    let port = Port()
    port.write(0x02c, 0x10)
    for byte in UInt8(0)..<16 {
      #expect(port.receiveCapacity == 16 - Int(byte))
      #expect(port.receive(byte))
    }
    #expect(!port.receive(16))
    #expect(port.read(0x018) & 0x40 == 0x40)
    #expect(port.read(0) == 0)
    #expect(port.receive(16))
    #expect((1...16).map { _ in port.read(0) } == Array(1...16))
  }

  @Test func theReceiveInterruptHoldsTheLineUntilAllIsRead() {
    let port = Port()
    port.write(0x02c, 0x10)
    port.write(0x038, 0x50)
    #expect(port.receive(1))
    #expect(port.receive(2))
    #expect(port.line.isAsserted)
    #expect(port.read(0x040) == 0x50)
    _ = port.read(0)
    #expect(port.line.isAsserted)
    _ = port.read(0)
    #expect(!port.line.isAsserted)
    #expect(port.line.changeCount == 2)
  }

  @Test func aMaskedInterruptIsRawOnly() {
    let port = Port()
    #expect(port.receive(1))
    #expect(port.read(0x03c) == 0x50)
    #expect(port.read(0x040) == 0)
    #expect(!port.line.isAsserted)
    port.write(0x038, 0x10)
    #expect(port.line.isAsserted)
    port.write(0x044, 0x10)
    #expect(!port.line.isAsserted)
    #expect(port.read(0x03c) == 0x40)
  }

  @Test func turningTheFIFOsOnEmptiesTheReceiver() {
    let port = Port()
    #expect(port.receive(1))
    port.write(0x02c, 0x10)
    #expect(port.read(0x018) == 0x90)
    #expect(port.read(0x03c) == 0)
  }

  @Test func inLoopbackWhatIsSentIsReceivedAndNothingElse() {
    let port = Port()
    port.write(0x030, 0x381)
    port.send("x")
    #expect(port.sink.bytes.isEmpty)
    #expect(port.read(0) == 0x78)
    #expect(!port.receive(0x79))
    #expect(port.receiveCapacity == 0)
  }

  @Test func registersKeepTheBitsTheyHave() {
    let port = Port()
    for offset in stride(from: UInt64(0x20), through: 0x48, by: 4) { port.write(offset, .max) }
    #expect(port.read(0x020) == 0xff)
    #expect(port.read(0x024) == 0xffff)
    #expect(port.read(0x028) == 0x3f)
    #expect(port.read(0x02c) == 0xff)
    #expect(port.read(0x030) == 0xff87)
    #expect(port.read(0x034) == 0x3f)
    #expect(port.read(0x038) == 0x7ff)
    #expect(port.read(0x048) == 7)
  }

  @Test func narrowAccessesWorkAndWideOnesAreTwo() {
    let port = Port()
    port.write(0, 0x1_41, .byte)
    port.write(0, 0x42, .halfword)
    #expect(port.sink.bytes == [0x41, 0x42])
    #expect(port.read(0x018, .byte) == 0x90)
    #expect(port.read(0x030, .halfword) == 0x300)
    port.write(0x024, 0x0000_0015_0000_1234, .doubleword)
    #expect(port.read(0x024, .doubleword) == 0x0000_0015_0000_1234)
  }

  @Test(arguments: [AccessWidth.byte, .halfword, .word, .doubleword])
  func everyOffsetAnswersEveryWidth(width: AccessWidth) {
    let port = Port()
    for offset in UInt64(0)...0x1008 {
      port.write(offset, 0xa5a5_a5a5_a5a5_a5a5, width)
      #expect(port.read(offset, width) & ~width.mask == 0)
    }
    port.write(.max, 0, width)
    #expect(port.read(.max, width) == 0)
  }

  @Test func aResetIsPowerOn() {
    let port = Port()
    port.write(0x02c, 0x70)
    port.write(0x038, 0x7ff)
    #expect(port.receive(1))
    port.uart.reset()
    #expect(!port.line.isAsserted)
    #expect(port.read(0x018) == 0x90)
    #expect(port.read(0x038) == 0)
    #expect(port.receiveCapacity == 1)
  }
}
