import TestSupport
import Testing
import Virtualization

@testable import RISCV64

private func call(
  _ extension: UInt64, _ function: UInt64, _ a0: UInt64 = 1, _ a1: UInt64 = 2, _ a2: UInt64 = 3, _ a3: UInt64 = 4,
  _ a4: UInt64 = 5
) -> FirmwareCall { FirmwareCall(extension: `extension`, function: function, a0, a1, a2, a3, a4) }

/// By the RISC-V Supervisor Binary Interface 2.0.
@Suite struct FirmwareCallTests {
  @Test func everyFunctionOfTheStandardIsNamed() {
    #expect(call(0x10, 0) == .specificationVersion)
    #expect(call(0x10, 1) == .implementationID)
    #expect(call(0x10, 2) == .implementationVersion)
    #expect(call(0x10, 3, 0x735049) == .probe(extension: 0x735049))
    #expect(call(0x10, 4) == .machineVendor)
    #expect(call(0x10, 5) == .machineArchitecture)
    #expect(call(0x10, 6) == .machineImplementation)
    #expect(call(0x54494d45, 0, 77) == .setTimer(deadline: 77))
    #expect(call(0x735049, 0) == .sendIPI(HartMask(1, base: 2)))
    #expect(call(0x52464e43, 0) == .fenceInstructions(HartMask(1, base: 2)))
    #expect(
      call(0x52464e43, 1, 1, 2, 0x1000, 0x1000)
        == .fenceTranslations(HartMask(1, base: 2), .pages(start: 0x1000, count: 1), asid: nil))
    #expect(call(0x52464e43, 2, 1, 2, 0, 0, 9) == .fenceTranslations(HartMask(1, base: 2), .everything, asid: 9))
    #expect(call(0x48534d, 0) == .startHart(1, entry: 2, argument: 3))
    #expect(call(0x48534d, 1) == .stopHart)
    #expect(call(0x48534d, 2) == .hartState(1))
    #expect(call(0x48534d, 3, 0) == .suspendHart(.retentive, entry: 2, argument: 3))
    #expect(call(0x53525354, 0, 0, 0) == .systemReset(.shutdown))
    #expect(call(0x4442434e, 0) == .consoleWrite(address: 2, upperAddress: 3, byteCount: 1))
    #expect(call(0x4442434e, 1) == .consoleRead(address: 2, upperAddress: 3, byteCount: 1))
    #expect(call(0x4442434e, 2, 0x141) == .consoleWriteByte(0x41))
  }

  @Test func legacyCallsDoNotLookAtTheFunction() {
    for function in [0, 1, .max] as [UInt64] {
      #expect(call(0, function, 77) == .legacySetTimer(deadline: 77))
      #expect(call(1, function, 0x41) == .legacyPutCharacter(0x41))
      #expect(call(2, function) == .legacyGetCharacter)
      #expect(call(3, function) == .legacyClearIPI)
      #expect(call(8, function) == .legacyShutdown)
    }
  }

  @Test func apussFunctionsHaveTheSameNumbersAsOnOtherArchitectures() {
    #expect(call(0x0900_0000, 0xff01, 1) == .identify(half: 1))
    #expect(call(0x0900_0000, 0) == .apusVersion)
    #expect(call(0x0900_0000, 1) == .apusFeatures)
    #expect(call(0x0900_0000, 2) == .write(address: 1, byteCount: 2))
    #expect(call(0x0900_0000, 3) == .yield)
    #expect(call(0x0900_0000, 4, 7) == .stop(code: 7))
  }

  @Test(
    arguments: [
      (0x04, 0), (0x05, 0), (0x06, 0), (0x07, 0), (0x09, 0), (0x0f, 0), (0x10, 7), (0x54494d45, 1), (0x735049, 1),
      (0x52464e43, 3), (0x52464e43, 6), (0x48534d, 4), (0x53525354, 1), (0x4442434e, 3), (0x0900_0000, 5),
      (0x0900_0001, 0), (0x504d55, 0), (0x53555350, 0), (0x4e41434c, 0), (0x535441, 0), (0x0a00_0000, 0), (.max, .max),
      (0x1_0000_0010, 0), (0x10, 1 << 32),
    ] as [(UInt64, UInt64)])
  func anythingElseIsUnknown(extension: UInt64, function: UInt64) {
    #expect(call(`extension`, function) == .unknown(extension: `extension`, function: function))
  }

  @Test func whatIsThereIsWhatAProbeFinds() {
    var generator = SeededGenerator(seed: 5)
    let known: [UInt64] = [
      0, 1, 2, 3, 8, 0x10, 0x54494d45, 0x735049, 0x52464e43, 0x48534d, 0x53525354, 0x4442434e, 0x0900_0000,
    ]
    let others = (0..<1000).map { _ in generator.next() >> UInt64.random(in: 0...60, using: &generator) }
    for id in known + Array(0...0x20) + others {
      #expect((FirmwareAnswer.probe(id) == FirmwareAnswer(1)) == known.contains(id))
      if !known.contains(id) { #expect(call(id, 0) == .unknown(extension: id, function: 0)) }
    }
  }

  // MARK: - Arguments

  /// Table 16.
  @Test(
    arguments: [
      (0, .retentive), (0x8000_0000, .notImplemented), (0x1000_0000, .notImplemented), (0x9000_0000, .notImplemented),
      (1, .reserved), (0x8000_0001, .reserved), (0xffff_ffff_0000_0000, .retentive),
    ] as [(UInt64, SBISuspendKind)])
  func suspendKindsAreTheStandards(value: UInt64, kind: SBISuspendKind) {
    #expect(SBISuspendKind(value) == kind)
  }

  /// Tables 17 and 18.
  @Test(
    arguments: [
      (0, 0, .shutdown), (0, 1, .shutdown), (1, 0, .reboot), (2, 1, .reboot), (3, 0, .reserved), (0, 2, .reserved),
      (0xf000_0000, 0, .notImplemented), (0xefff_ffff, 0, .reserved), (0, 0xe000_0000, .shutdown),
      (1 << 32, 0, .shutdown), (.max, .max, .notImplemented),
    ] as [(UInt64, UInt64, SBIResetKind)])
  func resetKindsAreTheStandards(kind: UInt64, reason: UInt64, expected: SBIResetKind) {
    #expect(SBIResetKind(kind, reason: reason) == expected)
  }

  @Test(
    arguments: [
      (0b11, 0, 0b11), (0b1, 1, 0b10), (0b1, 3, 0b1000), (0b111, 1, 0b1110), (0, 2, 0), (0, .max, 0b1111),
      (.max, .max, 0b1111),
    ] as [(UInt64, UInt64, UInt64)])
  func aMaskNamesHartsFromItsBaseOn(mask: UInt64, base: UInt64, targets: UInt64) {
    #expect(HartMask(mask, base: base).targets(vcpuCount: 4) == targets)
  }

  @Test(arguments: [(0b10000, 0), (0b1000, 1), (0b10, 3), (1, 4), (0, 4), (.max, 0), (1, 63), (1, 64), (1 << 63, 1)])
  func aMaskOfHartsThatAreNotThereIsRefused(mask: UInt64, base: UInt64) {
    #expect(HartMask(mask, base: base).targets(vcpuCount: 4) == nil)
  }

  @Test func allSixtyFourHartsCanBeNamed() {
    #expect(HartMask(.max, base: 0).targets(vcpuCount: 64) == .max)
    #expect(HartMask(1, base: 63).targets(vcpuCount: 64) == 1 << 63)
    #expect(HartMask(0b11, base: 63).targets(vcpuCount: 64) == nil)
  }

  /// 8.2: both zero, or a size of all ones, is everything.
  @Test(arguments: [
    (0, 0), (0, .max), (0x1000, 0), (0x1000, .max), (0, 65 * 4096), (.max, 2), (.max, 1), (1, 64 * 4096),
  ])
  func aLargeRangeIsEverything(start: UInt64, byteCount: UInt64) {
    #expect(FenceRange(start: start, byteCount: byteCount) == .everything)
  }

  @Test(
    arguments: [
      (0x1000, 1, 0x1000, 1), (0x1fff, 2, 0x1000, 2), (0, 64 * 4096, 0, 64),
      (0xffff_ffff_ffff_e000, 4096, 0xffff_ffff_ffff_e000, 1),
    ] as [(UInt64, UInt64, UInt64, UInt64)])
  func aSmallRangeIsItsPages(start: UInt64, byteCount: UInt64, first: UInt64, count: UInt64) {
    #expect(FenceRange(start: start, byteCount: byteCount) == .pages(start: first, count: count))
  }

  // MARK: - Answers

  @Test func theVersionsAreTheStandards() {
    #expect(FirmwareAnswer.specificationVersion == FirmwareAnswer(2 << 24))
    #expect(FirmwareAnswer.identity(half: 0).value & 0xffff_ffff == 0x1e2b_6f6a)
    #expect(FirmwareAnswer.identity(half: 1).value >> 32 == 0xf0e3_d7c4)
    #expect(FirmwareAnswer.identity(half: 2) == FirmwareAnswer(.invalidParameter))
  }

  /// 3.1.
  @Test func errorsAreSmallNegativeNumbers() {
    #expect(SBIError.notSupported.registerValue == 0xffff_ffff_ffff_fffe)
    #expect(SBIError(.success) == .success)
    #expect(SBIError(.alreadyOn).rawValue == -6 && SBIError(.onPending).rawValue == -6)
    #expect(SBIError(.invalidAddress).rawValue == -5 && SBIError(.invalidParameters).rawValue == -3)
    #expect(SBIError(.denied).rawValue == -4 && SBIError(.notSupported).rawValue == -2)
  }
}
