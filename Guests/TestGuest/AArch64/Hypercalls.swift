import CGuestAArch64
import GuestKit

extension AArch64Machine {
  /// SMCCC (Arm DEN0028): vendor-specific hypervisor service calls by HVC.
  func call(_ function: Hypercall, _ first: UInt64, _ second: UInt64) -> HypercallAnswer? {
    var result = guest_call_result()
    let answer = attempt {
      result = guest_hvc(Self.number(of: function), first, second, 0)
      return result.x0
    }
    guard case .value = answer else { return nil }
    return HypercallAnswer(result.x0, result.x1, result.x2, result.x3)
  }

  /// Whether a hypervisor names itself. Without one, QEMU's own firmware is asked, which is less strict.
  var isUnderApus: Bool { call(.uid, 0, 0).map { $0.words.0 & 0xFFFF_FFFF != 0xFFFF_FFFF } ?? false }

  private static func number(of function: Hypercall) -> UInt64 {
    switch function {
    case .uid: 0x8600_FF01
    case .version: 0xC600_0000
    case .features: 0xC600_0001
    case .write: 0xC600_0002
    case .yield: 0xC600_0003
    case .stop: 0xC600_0004
    case .unknown: 0xC600_0FFF
    }
  }
}
