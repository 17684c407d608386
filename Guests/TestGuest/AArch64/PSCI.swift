import CGuestAArch64
import GuestKit

/// Function numbers and return codes (Arm PSCI, DEN0022, chapter 5), called by HVC.
enum PSCI {
  static let version: UInt64 = 0x8400_0000
  static let cpuSuspend: UInt64 = 0xC400_0001
  static let cpuOff: UInt64 = 0x8400_0002
  static let cpuOn: UInt64 = 0xC400_0003
  static let affinityInfo: UInt64 = 0xC400_0004
  static let migrateInfoType: UInt64 = 0x8400_0006
  static let systemOff: UInt64 = 0x8400_0008
  static let systemReset: UInt64 = 0x8400_0009
  static let features: UInt64 = 0x8400_000A
  static let systemReset2: UInt64 = 0xC400_0012

  static let success: Int64 = 0
  static let notSupported: Int64 = -1
  static let invalidParameters: Int64 = -2
  static let denied: Int64 = -3
  static let alreadyOn: Int64 = -4
  static let onPending: Int64 = -5
  static let internalFailure: Int64 = -6
  static let notPresent: Int64 = -7
  static let disabled: Int64 = -8
  static let invalidAddress: Int64 = -9

  static let affinityIsOn: Int64 = 0
  static let affinityIsOff: Int64 = 1

  /// The signed result. A call of 32 bits gives 32 bits, whatever the upper half of X0 holds.
  static func call(_ function: UInt64, _ first: UInt64 = 0, _ second: UInt64 = 0, _ third: UInt64 = 0) -> Int64 {
    let result = guest_hvc(function, first, second, third).x0
    return function & 1 << 30 == 0 ? Int64(Int32(truncatingIfNeeded: result)) : Int64(bitPattern: result)
  }
}

extension AArch64Machine {
  func checkFirmware(_ verdict: inout Verdict) {
    let version = PSCI.call(PSCI.version)
    verdict.check(version >= 0x1_0000 && version < 0x10_0000, "PSCI version", UInt64(bitPattern: version))
    let mandatory: [UInt64] = [
      PSCI.version, PSCI.cpuSuspend, PSCI.cpuOff, PSCI.cpuOn, PSCI.affinityInfo, PSCI.systemOff, PSCI.systemReset,
      PSCI.features,
    ]
    for function in mandatory {
      verdict.check(PSCI.call(PSCI.features, function) >= 0, "PSCI features has", function)
    }
    verdict.check(PSCI.call(PSCI.features, 0x8400_0FFF) == PSCI.notSupported, "PSCI features lacks", 0x8400_0FFF)
    let migration = PSCI.call(PSCI.migrateInfoType)
    verdict.check(
      migration == PSCI.notSupported || migration == 2, "PSCI migrate info type", UInt64(bitPattern: migration))
    verdict.check(PSCI.call(PSCI.affinityInfo, affinities[0], 0) == PSCI.affinityIsOn, "PSCI affinity info of CPU", 0)
    for cpu in 1..<max(1, affinities.count) {
      let state = PSCI.call(PSCI.affinityInfo, affinities[cpu], 0)
      verdict.check(state == PSCI.affinityIsOff, "PSCI affinity info, off, of CPU", UInt64(cpu))
    }
    let missing = PSCI.call(PSCI.affinityInfo, 0x0040_4040, 0)
    verdict.check(
      missing == PSCI.invalidParameters || missing == PSCI.notPresent, "PSCI affinity info of no CPU",
      UInt64(bitPattern: missing))
  }
}
