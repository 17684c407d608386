import GuestKit

extension RISCV64Machine {
  /// Apus's own functions, in SBI's space for those of a vendor (SBI specification 2.0, chapter "Vendor-Specific Extension").
  private static let hypercallExtension: UInt64 = 0x0900_0000

  /// An error goes where the other architectures have it: in the first word, by their numbers.
  func call(_ function: Hypercall, _ first: UInt64, _ second: UInt64) -> HypercallAnswer? {
    switch function {
    case .uid:
      let low = SBI.call(Self.hypercallExtension, Self.number(of: .uid), 0)
      let high = SBI.call(Self.hypercallExtension, Self.number(of: .uid), 1)
      guard low.error == SBI.success, high.error == SBI.success else { return nil }
      return HypercallAnswer(
        low.value & 0xFFFF_FFFF, low.value >> 32, high.value & 0xFFFF_FFFF, high.value >> 32)
    case .version, .features, .write, .yield, .stop, .unknown:
      let answer = SBI.call(Self.hypercallExtension, Self.number(of: function), first, second)
      let status = answer.error == SBI.success ? answer.value : UInt64(bitPattern: Self.status(of: answer.error))
      return HypercallAnswer(status, 0, 0, 0)
    }
  }

  /// Whether a hypervisor names itself.
  var isUnderApus: Bool { call(.uid, 0, 0) != nil }

  private static func number(of function: Hypercall) -> UInt64 {
    switch function {
    case .uid: 0xFF01
    case .version: 0
    case .features: 1
    case .write: 2
    case .yield: 3
    case .stop: 4
    case .unknown: 0xFFF
    }
  }

  /// The error of Apus's own numbers that an error of SBI stands for.
  private static func status(of error: Int64) -> Int64 {
    switch error {
    case SBI.notSupported: -1
    case SBI.invalidParameter: -2
    case SBI.invalidAddress: -9
    default: -6
    }
  }
}
