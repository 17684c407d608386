import TestSupport
import Testing
import Virtualization

@testable import RISCV64

/// By the RISC-V PLIC specification 1.0.0.
@Suite struct VirtualPLICTests {
  private let plic = TestPLIC()

  // MARK: - Delivery

  @Test func anEnabledSourceIsSignalledClaimedAndCompleted() {
    plic.enable(10, in: 0)
    #expect(plic.setLine(10, true) == 0b01)
    #expect(plic.isSignalled(0) && !plic.isSignalled(1))
    #expect(plic.claim(0) == 10)
    #expect(!plic.isSignalled(0) && plic.claim(0) == 0)
    #expect(plic.setLine(10, false) == 0)
    plic.complete(10, 0)
    #expect(!plic.isSignalled(0))
  }

  @Test func anInputThatStaysUpIsANewRequestAfterCompletion() {
    plic.enable(10, in: 0)
    _ = plic.setLine(10, true)
    _ = plic.claim(0)
    #expect(plic.setLine(10, true) == 0)
    plic.complete(10, 0)
    #expect(plic.isSignalled(0) && plic.claim(0) == 10)
  }

  @Test func anInputThatFallsTakesNoRequestBack() {
    plic.enable(10, in: 0)
    _ = plic.setLine(10, true)
    _ = plic.setLine(10, false)
    #expect(plic.isSignalled(0) && plic.claim(0) == 10)
  }

  @Test func oneContextClaimsForAll() {
    plic.enable(10, in: 0)
    plic.enable(10, in: 1)
    #expect(plic.setLine(10, true) == 0b11)
    #expect(plic.readAndNotified(0x20_0004, by: 0) == (10, 0b10))
    #expect(!plic.isSignalled(1) && plic.claim(1) == 0)
  }

  /// 1.4: the lowest number of equals; 1.6: claims do not look at the threshold.
  @Test func theMostUrgentIsClaimedFirst() {
    for (source, priority) in [(5, 2), (40, 7), (70, 7), (3, 2), (9, 0)] as [(Int, UInt64)] {
      plic.enable(source, in: 0, priority: priority)
      _ = plic.setLine(source, true)
    }
    plic.write(0x20_0000, 6)
    #expect(plic.isSignalled(0) && plic.claim(0) == 40)
    plic.write(0x20_0000, 7)
    #expect(!plic.isSignalled(0))
    #expect((0..<5).map { _ in plic.claim(0) } == [70, 3, 5, 0, 0])
  }

  @Test func aThresholdIsExclusive() {
    plic.enable(10, in: 0, priority: 3)
    _ = plic.setLine(10, true)
    for threshold in 0...7 as ClosedRange<UInt64> {
      plic.write(0x20_0000, threshold)
      #expect(plic.isSignalled(0) == (threshold < 3))
    }
  }

  @Test func anotherVCPUsContextIsChangedAndItIsNotified() {
    plic.write(10 * 4, 1)
    _ = plic.setLine(10, true)
    #expect(plic.write(0x2080, 1 << 10, by: 0) == 0b10)
    #expect(plic.isSignalled(1))
    #expect(plic.write(0x20_1000, 7, by: 0) == 0b10)
    #expect(plic.write(0x20_1000, 0, by: 1) == 0)
    #expect(plic.isSignalled(1))
  }

  // MARK: - Completion (1.7)

  @Test(arguments: [0, 9, 11, 96, 1 << 31, 0xffff_ffff] as [UInt64])
  func completionOfWhatWasNotClaimedIsIgnored(source: UInt64) {
    plic.enable(10, in: 0)
    _ = plic.setLine(10, true)
    _ = plic.claim(0)
    plic.complete(source, 0)
    #expect(!plic.isSignalled(0))
    plic.complete(10, 0)
    #expect(plic.isSignalled(0))
  }

  @Test func completionByAContextThatDoesNotEnableTheSourceIsIgnored() {
    plic.enable(10, in: 0)
    _ = plic.setLine(10, true)
    _ = plic.claim(0)
    plic.complete(10, 1)
    #expect(!plic.isSignalled(0))
  }

  @Test func completionBeforeTheClaimIsIgnored() {
    plic.enable(10, in: 0)
    _ = plic.setLine(10, true)
    plic.complete(10, 0)
    _ = plic.setLine(10, false)
    #expect(plic.claim(0) == 10)
    #expect(plic.claim(0) == 0)
  }

  // MARK: - Registers

  @Test func registersKeepTheirBitsOnly() {
    plic.write(4 * 4, 0xffff_ffff)
    #expect(plic.read(4 * 4) == 7)
    plic.write(0x2000, 0xffff_ffff)
    #expect(plic.read(0x2000) == 0xffff_fffe)
    plic.write(0x2008, 0xffff_ffff)
    #expect(plic.read(0x2008) == 0xffff_ffff)
    plic.write(0x20_0000, 0xffff_ffff)
    #expect(plic.read(0x20_0000) == 7)
    plic.write(0x1000, 0xffff_ffff)
    #expect(plic.read(0x1000) == 0)
  }

  @Test(
    arguments: [
      0, 0x180, 0xffc, 0x100c, 0x1ffc, 0x200c, 0x207c, 0x2100, 0x1f_fffc, 0x20_0008, 0x20_0ffc, 0x20_2000, 0x20_2004,
      0x5f_fffc, 0x60_0000, 2, 0x20_0001, .max, 1 << 63,
    ] as [UInt64])
  func whatIsNoRegisterReadsAsZeroAndKeepsNothing(offset: UInt64) {
    plic.enable(10, in: 0)
    _ = plic.setLine(10, true)
    plic.write(offset, 0xffff_ffff)
    #expect(plic.read(offset) == 0)
    #expect(plic.isSignalled(0) && plic.claim(0) == 10)
  }

  @Test(arguments: [AccessWidth.byte, .halfword, .doubleword])
  func otherWidthsHaveNoEffect(width: AccessWidth) {
    plic.enable(10, in: 0)
    _ = plic.setLine(10, true)
    #expect(plic.read(0x20_0004, width) == 0)
    plic.write(0x20_0000, 7, width)
    #expect(plic.isSignalled(0) && plic.read(0x1000) == 1 << 10)
  }

  @Test(arguments: [0, 96, 127, 128, -1, .max]) func aLineThatIsNotThereIsIgnored(source: Int) {
    for word in 0..<3 as Range<UInt64> { plic.write(0x2000 + word * 4, 0xffff_ffff) }
    #expect(plic.setLine(source, true) == 0)
    #expect((0..<3).allSatisfy { plic.read(0x1000 + $0 * 4) == 0 })
  }

  @Test func aResetForgetsAllButTheInputs() {
    plic.enable(10, in: 0)
    plic.enable(11, in: 0)
    _ = plic.setLine(10, true)
    _ = plic.setLine(11, true)
    _ = plic.claim(0)
    _ = plic.setLine(10, false)
    plic.reset()
    #expect(!plic.isSignalled(0) && plic.read(0x2000) == 0 && plic.read(40) == 0)
    plic.enable(10, in: 1)
    plic.enable(11, in: 1)
    #expect(plic.claim(1) == 11 && plic.claim(1) == 0)
  }

  @Test func sixtyFourContextsHaveTheirRegisters() {
    let plic = TestPLIC(vcpuCount: 64)
    plic.enable(95, in: 63)
    #expect(plic.setLine(95, true) == 1 << 63)
    #expect(plic.read(0x2000 + 63 * 0x80 + 8) == 1 << 31)
    #expect(plic.claim(63) == 95)
  }
}
