import TestSupport
import Testing
import Virtualization

@testable import Devices

/// Numbers and bits from TI PC16550D, chapter 8, written out again.
@Suite("NS16550")
struct NS16550Tests {
  let uart = TestNS16550()

  // MARK: - Registers

  /// Table I, but MCR and the divisor, which are QEMU's.
  @Test(arguments: [(0, 0), (1, 0), (2, 0x01), (3, 0), (4, 0x08), (5, 0x60), (6, 0xb0), (7, 0)])
  func registerHasItsResetValue(register: UInt64, value: UInt64) {
    #expect(uart.read(register) == value)
  }

  @Test func divisorIsBehindItsAccessBit() {
    uart.write(3, 0x80)
    #expect(uart.read(0) == 12 && uart.read(1) == 0)
    uart.write(0, 0x34)
    uart.write(1, 0x12)
    #expect(uart.read(0) == 0x34 && uart.read(1) == 0x12)
    uart.write(3, 0x03)
    #expect(uart.read(0) == 0 && uart.read(1) == 0 && uart.sink.bytes.isEmpty)
  }

  @Test(arguments: [(1, 0x0f), (3, 0xff), (4, 0x1f), (7, 0xff)])
  func registerKeepsItsImplementedBitsOnly(register: UInt64, mask: UInt64) {
    uart.write(register, 0xff)
    #expect(uart.read(register) == mask)
  }

  @Test(arguments: [UInt64(5), 6])
  func statusCannotBeWritten(register: UInt64) {
    let before = uart.read(register)
    uart.write(register, ~before)
    #expect(uart.read(register) == before)
  }

  @Test(arguments: [0, 1, 2])
  func registersAreAStrideApart(shift: Int) {
    let uart = TestNS16550(registerShift: shift)
    uart.write(offset: 7 << UInt64(shift), width: .word, value: 0xffff_ff5a)
    #expect(uart.read(offset: 7 << UInt64(shift), width: .word) == 0x5a)
    #expect(uart.read(offset: 8 << UInt64(shift), width: .byte) == 0)
  }

  @Test(arguments: [(UInt64(5), AccessWidth.byte), (6, .halfword), (4, .doubleword), (0x20, .word), (.max, .byte)])
  func accessThatIsNoRegistersReadsAsZero(offset: UInt64, width: AccessWidth) {
    let uart = TestNS16550(registerShift: 2)
    uart.write(offset: offset, width: width, value: 0xff)
    #expect(uart.read(offset: offset, width: width) == 0)
    #expect(uart.sink.bytes.isEmpty)
  }

  // MARK: - Receiving

  @Test func withoutFIFOEachByteInterrupts() {
    uart.write(1, 0x01)
    #expect(uart.receive(0x41) && !uart.receive(0x42))
    #expect(uart.read(2) == 0x04 && uart.read(5) == 0x61 && uart.line.isAsserted)
    #expect(uart.read(0) == 0x41)
    #expect(uart.read(2) == 0x01 && uart.read(5) == 0x60 && !uart.line.isAsserted)
  }

  /// FCR7 and FCR6 (8.4); below the trigger it is the timeout (8.10).
  @Test(arguments: [(0x01, 1), (0x41, 4), (0x81, 8), (0xc1, 14)])
  func interruptIsTheTimeoutBelowTheTriggerAndDataFromThere(control: UInt64, trigger: Int) {
    uart.write(2, control)
    uart.write(1, 0x01)
    for count in 1...16 {
      #expect(uart.receive(UInt8(count)))
      #expect(uart.read(2) == (count < trigger ? 0xcc : 0xc4))
    }
    #expect(!uart.receive(0))
    for count in (0..<16).reversed() {
      #expect(uart.read(0) == UInt64(16 - count))
      #expect(uart.read(2) == (count == 0 ? 0xc1 : count < trigger ? 0xcc : 0xc4))
    }
    #expect(uart.line.changeCount == 2 && uart.line.repetitionCount == 0)
  }

  @Test(arguments: [UInt64(0x03), 0x00])
  func clearingOrSwitchingTheFIFOEmptiesTheReceiver(control: UInt64) {
    uart.write(2, 0x01)
    uart.write(1, 0x01)
    #expect(uart.receive(1) && uart.line.isAsserted)
    uart.write(2, control)
    #expect(uart.read(5) & 1 == 0 && !uart.line.isAsserted)
  }

  // MARK: - Sending

  @Test func enablingTheTransmitInterruptRaisesItUntilItIsIdentified() {
    uart.write(1, 0x02)
    #expect(uart.line.isAsserted)
    #expect(uart.read(2) == 0x02 && !uart.line.isAsserted)
    #expect(uart.read(2) == 0x01)
    uart.write(0, 0x41)
    #expect(uart.line.isAsserted && uart.sink.bytes == [0x41])
  }

  @Test(arguments: [(0x00, 1), (0x01, 16)])
  func bytesWaitWhileTheSinkIsFull(control: UInt64, depth: Int) {
    uart.write(2, control)
    uart.write(1, 0x02)
    _ = uart.read(2)
    uart.sink.room = 0
    for byte in 0..<depth + 1 { uart.write(0, UInt64(byte)) }
    #expect(uart.read(5) & 0x60 == 0 && !uart.line.isAsserted)
    uart.sink.room = depth - 1
    uart.sinkHasRoom()
    #expect(uart.read(5) & 0x60 == 0 && !uart.line.isAsserted)
    uart.sink.room = 1
    uart.sinkHasRoom()
    #expect(uart.read(5) & 0x60 == 0x60 && uart.line.isAsserted)
    #expect(uart.sink.bytes == (0..<depth).map { UInt8($0) })
  }

  // MARK: - Loopback (8.7)

  /// RTS to CTS, DTR to DSR, OUT1 to RI, OUT2 to DCD.
  @Test(arguments: [(0x02, 0x10), (0x01, 0x20), (0x04, 0x40), (0x08, 0x80)])
  func loopedOutputIsAnInput(output: UInt64, input: UInt64) {
    uart.write(4, 0x10 | output)
    #expect(uart.read(6) == input)
  }

  @Test func loopedByteIsReceivedAndNotSent() {
    uart.write(4, 0x10)
    uart.write(0, 0x5a)
    #expect(!uart.receive(0x5b))
    #expect(uart.read(0) == 0x5a && uart.sink.bytes.isEmpty)
  }

  @Test func loopedByteTooManyIsALineStatusInterruptUntilTheStatusIsRead() {
    uart.write(1, 0x05)
    uart.write(4, 0x10)
    uart.write(0, 1)
    uart.write(0, 2)
    #expect(uart.read(2) == 0x06)
    #expect(uart.read(5) == 0x63)
    #expect(uart.read(5) == 0x61 && uart.read(2) == 0x04)
  }

  // MARK: - Reset

  @Test func resetLowersTheLineAndKeepsWhatWasSent() {
    uart.sink.room = 0
    uart.write(1, 0x0f)
    uart.write(0, 0x41)
    #expect(uart.receive(0x42) && uart.line.isAsserted)
    uart.reset()
    #expect(!uart.line.isAsserted && uart.read(1) == 0 && uart.read(5) & 1 == 0)
    uart.sink.room = .max
    uart.sinkHasRoom()
    #expect(uart.sink.bytes == [0x41])
  }

  // MARK: - Drivers

  /// U-Boot: waits for TEMT, line control and rate, FIFOs; then a byte waits for THRE, a key for DR.
  @Test func bootLoaderPrintsAndReadsByPolling() {
    #expect(uart.read(5) & 0x40 != 0)
    for (register, value) in [(1, 0), (4, 3), (2, 7), (3, 3), (3, 0x83), (0, 2), (1, 0), (3, 3)] as [(UInt64, UInt64)] {
      uart.write(register, value)
    }
    for byte in "=> ".utf8 {
      #expect(uart.read(5) & 0x20 != 0)
      uart.write(0, UInt64(byte))
    }
    #expect(uart.sink.bytes == Array("=> ".utf8))
    #expect(uart.receive(0x62) && uart.read(5) & 1 != 0 && uart.read(0) == 0x62)
    #expect(uart.line.changeCount == 0)
  }

  /// Linux's 8250 driver, `autoconfig`: IER holds four bits, the loop shows CTS and DCD, IIR shows working FIFOs.
  @Test func kernelFindsA16550A() {
    uart.write(1, 0)
    #expect(uart.read(1) & 0xf == 0)
    uart.write(1, 0xf)
    #expect(uart.read(1) & 0xf == 0xf)
    uart.write(1, 0)
    uart.write(4, 0x1a)
    #expect(uart.read(6) & 0xf0 == 0x90)
    uart.write(4, 0x08)
    uart.write(3, 0xbf)
    uart.write(2, 0)
    uart.write(3, 0)
    uart.write(2, 1)
    #expect(uart.read(2) >> 6 == 3)
    uart.write(3, 0x80)
    #expect(uart.read(2) != 0)
    uart.write(3, 0)
  }

  /// Linux's 8250 driver, the test for a lost transmit interrupt: it must come twice.
  @Test func kernelSeesTheTransmitInterruptEachTimeItIsEnabled() {
    uart.write(1, 0x02)
    let first = uart.read(2)
    uart.write(1, 0)
    uart.write(1, 0x02)
    let second = uart.read(2)
    uart.write(1, 0)
    #expect(first & 1 == 0 && second & 1 == 0)
  }

  @Test func kernelSendsALongTextByInterruptsWithoutLoss() {
    uart.write(2, 0x81)
    uart.sink.room = 0
    let text = (0..<200).map { UInt8($0) }
    var next = 0
    uart.write(1, 0x07)
    for _ in 0..<60 {
      let isEmpty = uart.line.isAsserted && uart.read(2) & 0xf == 0x2 && uart.read(5) & 0x20 != 0
      let count = isEmpty ? min(16, text.count - next) : 0
      for byte in text[next..<next + count] { uart.write(0, UInt64(byte)) }
      next += count
      uart.sink.room = 5
      uart.sinkHasRoom()
    }
    #expect(uart.sink.bytes == text)
  }

  // MARK: - Anything at all

  @Test(arguments: [UInt64(1), 2, 3])
  func randomAccessesKeepTheDeviceConsistent(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let widths: [AccessWidth] = [.byte, .halfword, .word, .doubleword]
    var wrong = 0
    for _ in 0..<20_000 {
      let offset = UInt64.random(in: 0...9, using: &generator)
      let width = widths[Int.random(in: 0...3, using: &generator)]
      switch Int.random(in: 0...5, using: &generator) {
      case 0: _ = uart.receive(UInt8.random(in: 0...255, using: &generator))
      case 1:
        uart.sink.room = Int.random(in: 0...9, using: &generator)
        uart.sinkHasRoom()
      case 2, 3: uart.write(offset: offset, width: width, value: generator.next())
      default: if uart.read(offset: offset, width: width) > 0xff { wrong += 1 }
      }
      let isAsserted = uart.line.isAsserted
      if isAsserted == (uart.read(2) & 1 != 0) { wrong += 1 }
      let status = uart.read(5)
      if (status & 0x20 != 0) != (status & 0x40 != 0) { wrong += 1 }
    }
    #expect(wrong == 0 && uart.line.repetitionCount == 0 && uart.line.changeCount > 50)
  }
}
