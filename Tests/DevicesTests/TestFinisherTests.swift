import Testing
import Virtualization

@testable import Devices

/// Values as in the `virt` machine's device tree: `syscon-poweroff` writes 0x5555, `syscon-reboot` 0x7777.
@Suite struct TestFinisherTests {
  private let power = FakePowerSwitch()
  private var finisher: TestFinisher<FakePowerSwitch> { TestFinisher(power: power) }

  @Test(arguments: [AccessWidth.halfword, .word])
  func aWriteAsksForWhatItSays(width: AccessWidth) {
    finisher.write(offset: 0, width: width, value: 0x5555)
    finisher.write(offset: 0, width: width, value: 0x7777)
    finisher.write(offset: 0, width: width, value: 0x3333)
    #expect(power.requests == [.powerOff, .reset, .failure(0)])
  }

  @Test func aFailureHasACode() {
    finisher.write(offset: 0, width: .word, value: 0xffff_ffff_1234_3333)
    #expect(power.requests == [.failure(0x1234)])
  }

  @Test func nothingElseAsksForAnything() {
    for value in [0, 0x5554, 0x7776, 0x5555_0000, .max] as [UInt64] {
      finisher.write(offset: 0, width: .word, value: value)
    }
    for offset in [1, 2, 4, 0xffc, .max] as [UInt64] { finisher.write(offset: offset, width: .word, value: 0x5555) }
    finisher.write(offset: 0, width: .byte, value: 0x5555)
    finisher.write(offset: 0, width: .doubleword, value: 0x5555)
    #expect(power.requests.isEmpty)
    #expect(finisher.read(offset: 0, width: .word) == 0)
  }
}
