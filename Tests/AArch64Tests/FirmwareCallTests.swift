import Foundation
import Testing

@testable import AArch64

/// By DEN0022 (PSCI), DEN0028 (SMCCC) and DEN0098 (TRNG).
@Suite struct FirmwareCallTests {
  @Test func everyFunctionOfTheStandardsIsNamed() {
    #expect(FirmwareCall(0x8400_0000, 1, 2, 3) == .psciVersion)
    #expect(FirmwareCall(0x8400_0002, 1, 2, 3) == .cpuOff)
    #expect(FirmwareCall(0xc400_0003, 1, 2, 3) == .cpuOn(target: 1, entry: 2, context: 3))
    #expect(FirmwareCall(0xc400_0004, 0x101, 1, 0) == .affinityInfo(target: 0x101, level: 1))
    #expect(FirmwareCall(0x8400_0006, 0, 0, 0) == .migrateInfoType)
    #expect(FirmwareCall(0x8400_0008, 0, 0, 0) == .systemOff)
    #expect(FirmwareCall(0x8400_0009, 0, 0, 0) == .systemReset)
    #expect(FirmwareCall(0x8400_000a, 0xc400_0003, 0, 0) == .psciFeatures(function: 0xc400_0003))
    #expect(FirmwareCall(0xc400_0012, 0, 7, 0) == .systemReset2(kind: 0, cookie: 7))
    #expect(FirmwareCall(0xc400_0001, 0, 8, 9) == .cpuSuspend(PSCIPowerState(rawValue: 0), entry: 8, context: 9))
    #expect(FirmwareCall(0x8000_0000, 0, 0, 0) == .smcccVersion)
    #expect(FirmwareCall(0x8000_0001, 0x8000_8000, 0, 0) == .smcccArchFeatures(function: 0x8000_8000))
    #expect(FirmwareCall(0x8400_0050, 0, 0, 0) == .trngVersion)
    #expect(FirmwareCall(0xc400_0053, 192, 0, 0) == .trngRandom(bitCount: 192, width: .bits64))
    #expect(FirmwareCall(0x8400_0053, 96, 0, 0) == .trngRandom(bitCount: 96, width: .bits32))
  }

  @Test func aCallOf32BitsTakesTheLowerHalves() {
    let call = FirmwareCall(0xffff_ffff_8400_0003, 0xdead_0000_0001, 0xdead_4000_0000, 0xdead_0000_0005)
    #expect(call == .cpuOn(target: 0x1, entry: 0x4000_0000, context: 0x5))
  }

  @Test func theHintOnSVEIsNoPartOfTheNumber() {
    #expect(FirmwareCall(0x8401_0000, 0, 0, 0) == .psciVersion)
  }

  @Test(
    arguments: [
      0, 0x0400_0000, 0x8400_0005, 0x8400_000b, 0xc400_0000, 0x8600_0000, 0xc600_0005, 0xc600_0fff,
      0x8000_8000, 0xffff_ffff,
    ] as [UInt64])
  func whatNobodyServesIsUnknown(function: UInt64) {
    #expect(FirmwareCall(function, 1, 2, 3) == .unknown(function: UInt32(function) & 0xfffe_ffff))
  }

  @Test func featuresTellWhatThereIs() {
    for function in [
      0x8400_0000, 0xc400_0001, 0x8400_0002, 0xc400_0003, 0x8400_0004, 0x8400_0006, 0x8400_0008,
      0x8400_0009, 0x8400_000a, 0xc400_0012, 0x8000_0000,
    ] as [UInt32] {
      #expect(FirmwareAnswer.psciFeatures(of: function) == .success)
    }
    #expect(FirmwareAnswer.psciFeatures(of: 0x8400_0005) == .notSupported)
    #expect(FirmwareAnswer.psciFeatures(of: 0xc400_0008) == .notSupported)
    #expect(FirmwareAnswer.smcccArchFeatures(of: 0x8000_8000) == .notSupported)
    #expect(FirmwareAnswer.smcccArchFeatures(of: 0x8000_0001) == .success)
    #expect(FirmwareAnswer.trngFeatures(of: 0xc400_0053) == .success)
  }

  @Test func everyFunctionThatFeaturesNameIsDecoded() {
    for base in [0x8400_0000, 0xc400_0000, 0x8000_0000] as [UInt32] {
      for function in base..<base + 0x100 {
        let isNamed = FirmwareAnswer.psciFeatures(of: function) == .success
        guard isNamed else { continue }
        #expect(FirmwareCall(UInt64(function), 0, 0, 0) != .unknown(function: function))
      }
    }
  }

  @Test func returnCodesAreNegativeInAllOfX0() {
    #expect(PSCIResult.notSupported.registerValue == .max)
    #expect(PSCIResult.invalidAddress.registerValue == 0xffff_ffff_ffff_fff7)
    #expect(FirmwareAnswer(.success).x0 == 0)
  }

  @Test func reservedBitsOfAPowerStateMakeItInvalid() {
    #expect(PSCIPowerState(rawValue: 0).isValid)
    #expect(PSCIPowerState(rawValue: 0x0301_ffff).isValid)
    #expect(!PSCIPowerState(rawValue: 0x8000_0000).isValid)
    #expect(!PSCIPowerState(rawValue: 0x0002_0000).isValid)
  }

  @Test func randomBitsFillTheRegistersFromX3Up() {
    let entropy: (UInt64, UInt64, UInt64) = (.max, .max, .max)
    #expect(FirmwareAnswer.random(1, .bits64, entropy: entropy) == FirmwareAnswer(0, 0, 0, 1))
    #expect(FirmwareAnswer.random(65, .bits64, entropy: entropy) == FirmwareAnswer(0, 0, 1, .max))
    #expect(FirmwareAnswer.random(192, .bits64, entropy: entropy) == FirmwareAnswer(0, .max, .max, .max))
    #expect(FirmwareAnswer.random(40, .bits32, entropy: entropy) == FirmwareAnswer(0, 0, 0xff, 0xffff_ffff))
    #expect(FirmwareAnswer.random(0, .bits64, entropy: entropy) == FirmwareAnswer(.invalidParameters))
    #expect(FirmwareAnswer.random(193, .bits64, entropy: entropy) == FirmwareAnswer(.invalidParameters))
    #expect(FirmwareAnswer.random(97, .bits32, entropy: entropy) == FirmwareAnswer(.invalidParameters))
  }

  @Test func affinityLevelsNameGroupsOfCPUs() {
    func targets(_ target: UInt64, _ level: UInt64) -> UInt64? {
      FirmwareAnswer.affinityTargets(target, level: level, vcpuCount: 18)
    }
    #expect(targets(0x3, 0) == 0b1000)
    #expect(targets(0x101, 0) == 1 << 17)
    #expect(targets(0x102, 0) == nil)
    #expect(targets(0x003, 1) == 0xffff)
    #expect(targets(0x1ff, 1) == 0b11 << 16)
    #expect(targets(0x200, 1) == nil)
    #expect(targets(0xffff, 2) == 0x3_ffff)
    #expect(targets(0, 3) == 0x3_ffff)
    #expect(targets(0, 4) == nil)
    #expect(targets(0x8000_0000, 0) == nil)
    #expect(targets(1 << 40, 0) == nil)
  }

  @Test func theUIDIsTheDocumentedUUID() throws {
    let words = [FirmwareAnswer.uid.x0, FirmwareAnswer.uid.x1, FirmwareAnswer.uid.x2, FirmwareAnswer.uid.x3]
    // DEN0028 6.2: byte 0 of the UUID is in bits [7:0] of W0.
    let bytes = words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt64($0 * 8)) } }
    let text = bytes.map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
    #expect(text == "6a6f2b1e6d0e4f379c52a8b1c4d7e3f0")
  }

  @Test func theDocumentNamesEveryNumber() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let document = try String(contentsOf: root.appending(path: "Documentation/Hypercalls.md"), encoding: .utf8)
    for number in ["0x8600_FF01", "0xC600_0000", "0xC600_0001", "0xC600_0002", "0xC600_0003", "0xC600_0004"] {
      #expect(document.contains(number))
      let value = try #require(UInt64(number.dropFirst(2).filter { $0 != "_" }, radix: 16))
      #expect(FirmwareCall(value, 0, 0, 0) != .unknown(function: UInt32(value)))
    }
  }
}
