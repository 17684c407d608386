import Kernel
import Virtualization

/// TRNG (DEN0098), answered from the VM's own generator (Documentation/Decisions/RandomNumbers.md).
extension AArch64 {
  /// Not inlined: it is no part of the path that other calls take.
  @inline(never) static func random(of vcpu: Reference<VCPU<Self>>) -> FirmwareAnswer {
    guard vcpu.value.vm.value.state.random.withLock({ $0 != nil }) else { return FirmwareAnswer(.notSupported) }
    let registers = vcpu.value.state.registers
    switch FirmwareCall(registers[0], registers[1], registers[2], registers[3]) {
    case .trngVersion: return .trngVersion
    case .trngFeatures(let function): return FirmwareAnswer(FirmwareAnswer.trngFeatures(of: function))
    case .trngUUID: return .trngUUID
    case .trngRandom(let bitCount, let width): return randomBits(bitCount, width, of: vcpu)
    default: return FirmwareAnswer(.notSupported)
    }
  }

  private static func randomBits(
    _ bitCount: UInt64, _ width: FirmwareCall.CallWidth, of vcpu: Reference<VCPU<Self>>
  ) -> FirmwareAnswer {
    let identity = currentCPU.value.local.machine.value.identity
    let fresh = (
      Entropy.read(on: identity) ?? 0, Entropy.read(on: identity) ?? 0, Entropy.read(on: identity) ?? 0
    )
    let bits = vcpu.value.vm.value.state.random.withLock { generator in
      generator?.next(mixing: fresh)
    }
    guard let bits else { return FirmwareAnswer(.notSupported) }
    return FirmwareAnswer.random(bitCount, width, entropy: bits)
  }
}
