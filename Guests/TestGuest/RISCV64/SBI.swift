import CGuestRISCV64
import GuestKit

/// Extensions, functions and errors of the firmware interface (RISC-V SBI specification 2.0).
enum SBI {
  static let base: UInt64 = 0x10
  static let timer: UInt64 = 0x5449_4D45
  static let ipi: UInt64 = 0x73_5049
  static let remoteFence: UInt64 = 0x5246_4E43
  static let hartState: UInt64 = 0x48_534D
  static let systemReset: UInt64 = 0x5352_5354
  static let debugConsole: UInt64 = 0x4442_434E
  static let legacySetTimer: UInt64 = 0x00
  static let legacyPutCharacter: UInt64 = 0x01
  static let legacyShutdown: UInt64 = 0x08

  static let success: Int64 = 0
  static let failed: Int64 = -1
  static let notSupported: Int64 = -2
  static let invalidParameter: Int64 = -3
  static let denied: Int64 = -4
  static let invalidAddress: Int64 = -5
  static let alreadyAvailable: Int64 = -6
  static let alreadyStarted: Int64 = -7
  static let alreadyStopped: Int64 = -8

  static let isStarted: UInt64 = 0
  static let isStopped: UInt64 = 1

  /// An answer: the error, and a value where there is none.
  struct Answer {
    let error: Int64
    let value: UInt64
  }

  static func call(
    _ extension: UInt64, _ function: UInt64, _ first: UInt64 = 0, _ second: UInt64 = 0, _ third: UInt64 = 0,
    _ fourth: UInt64 = 0, _ fifth: UInt64 = 0
  ) -> Answer {
    let result = guest_ecall(`extension`, function, first, second, third, fourth, fifth)
    return Answer(error: Int64(bitPattern: result.error), value: result.value)
  }

  static func probe(_ extension: UInt64) -> Bool { call(base, 3, `extension`).value != 0 }

  /// The state of a hart, or `nil` with an error.
  static func state(ofHart hart: UInt64) -> UInt64? {
    let answer = call(hartState, 2, hart)
    return answer.error == success ? answer.value : nil
  }
}

extension RISCV64Machine {
  func checkFirmware(_ verdict: inout Verdict) {
    let version = SBI.call(SBI.base, 0)
    verdict.check(version.error == 0 && version.value >> 24 >= 1, "SBI version", version.value)
    for known in [SBI.base, SBI.timer, SBI.ipi, SBI.remoteFence, SBI.hartState, SBI.systemReset] {
      verdict.check(SBI.probe(known), "SBI has extension", known)
    }
    let none = SBI.call(SBI.base, 3, 0x7FFF_FFFF)
    verdict.check(none.error == 0 && none.value == 0, "SBI lacks extension", 0x7FFF_FFFF)
    verdict.check(
      SBI.call(0x7FFF_FFFF, 0).error == SBI.notSupported, "a call to that extension is not supported, function", 0)
    for function in 4..<7 as Range<UInt64> {
      verdict.check(SBI.call(SBI.base, function).error == 0, "SBI machine identity, function", function)
    }
    verdict.check(SBI.state(ofHart: harts[0]) == SBI.isStarted, "SBI state, started, of CPU", 0)
    for cpu in 1..<max(1, harts.count) {
      verdict.check(SBI.state(ofHart: harts[cpu]) == SBI.isStopped, "SBI state, stopped, of CPU", UInt64(cpu))
    }
    let missing = SBI.call(SBI.hartState, 2, 0x4040)
    verdict.check(
      missing.error == SBI.invalidParameter, "SBI state of no CPU", UInt64(bitPattern: missing.error))
    checkFences(&verdict)
  }

  /// Every remote fence of the guest's own translation, for all harts and for one.
  private func checkFences(_ verdict: inout Verdict) {
    for function in 0..<3 as Range<UInt64> {
      let all = SBI.call(SBI.remoteFence, function, 0, ~0, 0, ~0, 0)
      verdict.check(all.error == 0, "SBI fence on all harts, function", function)
      let one = SBI.call(SBI.remoteFence, function, 1, harts[0], guest_link_address(), 4096, 0)
      verdict.check(one.error == 0, "SBI fence on one hart, function", function)
    }
  }
}
