import TestSupport
import Testing
import Virtualization

@testable import Devices

/// What drivers do with a PL011, register by register, and what nobody should.
@Suite("PL011 and its drivers")
struct PL011DriverTests {
  let line = FakeLine()
  let sink = FakeSink()
  let uart: TestPL011

  init() { uart = TestPL011(line: line, sink: sink) }

  private func read(_ offset: UInt64) -> UInt64 { uart.read(offset: offset, width: .word) }
  private func write(_ offset: UInt64, _ value: UInt64) { uart.write(offset: offset, width: .halfword, value: value) }

  /// U-Boot: off, rate, line control, on; a byte waits for TXFF, a key for RXFE.
  @Test func bootLoaderPrintsAndReadsByPolling() {
    write(0x30, 0)
    write(0x24, 13)
    write(0x28, 1)
    write(0x2c, 0x70)
    write(0x30, 0x301)
    for byte in "=> ".utf8 {
      #expect(read(0x18) & 0x20 == 0)
      uart.write(offset: 0, width: .word, value: UInt64(byte))
    }
    #expect(sink.bytes == Array("=> ".utf8))
    #expect(read(0x18) & 0x10 != 0)
    #expect(uart.receive(0x62))
    #expect(read(0x18) & 0x10 == 0 && read(0) == 0x62)
    #expect(!line.isAsserted)
  }

  /// Linux opening the port: clears, drains what came before, then enables RX and RT.
  private func open() {
    write(0x44, 0x7ff)
    write(0x44, 0x50)
    write(0x34, 0x12)
    write(0x2c, 0x70)
    write(0x30, 0x301)
    for _ in 0..<32 where read(0x18) & 0x10 == 0 { _ = read(0) }
    write(0x38, 0x50)
  }

  @Test func kernelOpensThePortWithoutAnInterrupt() {
    write(0, 0x2e)
    write(0x2c, 0x70)
    write(0x30, 0x301)
    #expect(uart.receive(1) && uart.receive(2))
    open()
    #expect(read(0x18) & 0x10 != 0 && !line.isAsserted)
  }

  @Test func kernelTakesEachKeyByItsInterrupt() {
    open()
    for key in "ls\r".utf8 {
      #expect(uart.receive(key) && line.isAsserted)
      let status = read(0x3c) & read(0x38)
      write(0x44, status & ~0x70)
      #expect(read(0) == UInt64(key))
      #expect(read(0x18) & 0x10 != 0 && !line.isAsserted)
    }
  }

  /// Linux fills the FIFO, enables TX, and from each interrupt writes half a FIFO without asking for room.
  @Test func kernelSendsALongTextByInterruptsWithoutLoss() {
    open()
    sink.room = 0
    let text = (0..<200).map { UInt8($0) }
    var next = 0
    while next < text.count, read(0x18) & 0x20 == 0 {
      write(0, UInt64(text[next]))
      next += 1
    }
    write(0x38, 0x70)
    #expect(next == 16 && !line.isAsserted)
    for _ in 0..<200 {
      sink.room = 1
      uart.sinkHasRoom()
      let count = line.isAsserted ? min(8, text.count - next) : 0
      for byte in text[next..<next + count] { write(0, UInt64(byte)) }
      next += count
      if next == text.count { write(0x38, 0x50) }
    }
    #expect(sink.bytes == text)
    #expect(read(0x18) & 0x88 == 0x80 && !line.isAsserted)
  }

  /// Linux's console waits until BUSY is clear before it turns the port back.
  @Test func earlyConsoleSeesTheEndOfSending() {
    open()
    sink.room = 0
    write(0, 0x41)
    #expect(read(0x18) & 0x8 != 0)
    sink.room = .max
    uart.sinkHasRoom()
    #expect(read(0x18) & 0x8 == 0)
  }

  // MARK: - Anything at all

  @Test(arguments: [UInt64(11), 12, 13])
  func randomAccessesKeepTheDeviceConsistent(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let widths: [AccessWidth] = [.byte, .halfword, .word, .doubleword]
    var wrong = 0
    for _ in 0..<20_000 {
      let register = UInt64.random(in: 0...0x13, using: &generator) * 4
      let any = generator.next() >> UInt64.random(in: 48...62, using: &generator)
      let offset = Int.random(in: 0..<8, using: &generator) == 0 ? any : register
      let width = widths[Int.random(in: 0...3, using: &generator)]
      switch Int.random(in: 0...5, using: &generator) {
      case 0: _ = uart.receive(UInt8.random(in: 0...255, using: &generator))
      case 1:
        sink.room = Int.random(in: 0...9, using: &generator)
        uart.sinkHasRoom()
      case 2, 3: uart.write(offset: offset, width: width, value: generator.next() & generator.next())
      default: if uart.read(offset: offset, width: width) & ~width.mask != 0 { wrong += 1 }
      }
      let flags = read(0x18)
      let raw = read(0x3c)
      if read(0x40) != raw & read(0x38) || line.isAsserted != (read(0x40) != 0) { wrong += 1 }
      if (flags & 0x08 != 0) == (flags & 0x80 != 0) { wrong += 1 }  // BUSY and TXFE
      if flags & 0x50 == 0x50 || flags & 0xa0 == 0xa0 { wrong += 1 }  // full and empty
      if flags & 0x10 != 0, raw & 0x50 != 0 { wrong += 1 }  // nothing there, and an interrupt for it
    }
    #expect(wrong == 0 && line.repetitionCount == 0 && line.changeCount > 50)
  }
}
