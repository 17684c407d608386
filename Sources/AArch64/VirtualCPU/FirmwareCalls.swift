import CAArch64
import Kernel
import Synchronization
import Virtualization

extension AArch64 {
  /// A call by HVC or SMC: answered by the guest's own CPU numbers; nothing reaches the machine's firmware.
  @inline(__always) static func callFirmware(_ vcpu: Reference<VCPU<Self>>) -> ExitAnswer {
    let registers = vcpu.value.state.registers
    vcpu.value.statistics.hypercalls &+= 1
    switch FirmwareCall(registers[0], registers[1], registers[2], registers[3]) {
    case .psciVersion: return answering(.psciVersion, vcpu)
    case .psciFeatures(let function): return answering(FirmwareAnswer(FirmwareAnswer.psciFeatures(of: function)), vcpu)
    case .cpuOn(let target, let entry, let context):
      return leaving(.cpuUp(target: target, entry: GuestPhysicalAddress(entry), argument: context), vcpu)
    case .cpuOff: return leaving(.cpuDown, vcpu)
    case .cpuSuspend(let state, _, _):
      guard state.isValid else { return answering(FirmwareAnswer(.invalidParameters), vcpu) }
      set(FirmwareAnswer(.success), vcpu)
      return leaving(.halt, vcpu)
    case .affinityInfo(let target, let level):
      return answering(affinityInfo(target, level: level, in: vcpu.value.vm), vcpu)
    case .migrateInfoType: return answering(FirmwareAnswer(2), vcpu)  // no trusted OS (DEN0022, 5.9.1)
    case .systemOff: return leaving(.systemDown(.powerOff), vcpu)
    case .systemReset: return leaving(.systemDown(.reset), vcpu)
    case .systemReset2(let kind, _):
      // 0 is SYSTEM_WARM_RESET; the vendors' kinds, from bit 31 up, are none of ours (DEN0022, 5.12).
      return kind == 0 ? leaving(.systemDown(.reset), vcpu) : answering(FirmwareAnswer(.invalidParameters), vcpu)
    case .smcccVersion: return answering(.smcccVersion, vcpu)
    case .smcccArchFeatures(let function):
      return answering(FirmwareAnswer(FirmwareAnswer.smcccArchFeatures(of: function)), vcpu)
    case .trngVersion, .trngFeatures, .trngUUID, .trngRandom: return answering(random(of: vcpu), vcpu)
    case .identify: return answering(.uid, vcpu)
    case .apusVersion: return answering(.apusVersion, vcpu)
    case .apusFeatures: return answering(.apusFeatures, vcpu)
    case .write(let address, let byteCount):
      return leaving(.hypercall(.writeLog(GuestPhysicalAddress(address), byteCount: byteCount)), vcpu)
    case .yield:
      set(FirmwareAnswer(.success), vcpu)
      return leaving(.yield, vcpu)
    case .stop(let code): return leaving(.hypercall(.stop(code: code)), vcpu)
    case .unknown: return answering(FirmwareAnswer(.notSupported), vcpu)
    }
  }

  private static func set(_ answer: FirmwareAnswer, _ vcpu: Reference<VCPU<Self>>) {
    vcpu.value.state.registers[0] = answer.x0
  }

  @inline(__always) private static func answering(_ answer: FirmwareAnswer, _ vcpu: Reference<VCPU<Self>>) -> ExitAnswer
  {
    let registers = vcpu.value.state.registers
    registers[0] = answer.x0
    registers[1] = answer.x1
    registers[2] = answer.x2
    registers[3] = answer.x3
    return .goOn
  }

  /// AFFINITY_INFO (DEN0022, 5.7): on where one of the CPUs it names is on.
  private static func affinityInfo(_ target: UInt64, level: UInt64, in vm: Reference<VM<Self>>) -> FirmwareAnswer {
    guard
      var rest = FirmwareAnswer.affinityTargets(target, level: level, vcpuCount: vm.value.vcpus.count)
        .map(CPUSet.init(rawValue:))
    else { return FirmwareAnswer(.invalidParameters) }
    var state = PSCIAffinityState.off
    while let index = rest.popFirst() {
      switch vm.value.vcpus[index].value.power.load(ordering: .sequentiallyConsistent) {
      case .on: return FirmwareAnswer(PSCIAffinityState.on.rawValue)
      case .claimed, .starting: state = .onPending
      case .off: break
      }
    }
    return FirmwareAnswer(state.rawValue)
  }

  public static func answer(_ result: CallResult, to vcpu: Reference<VCPU<Self>>) {
    let code: PSCIResult =
      switch result {
      case .success: .success
      case .notSupported: .notSupported
      case .invalidParameters: .invalidParameters
      case .denied: .denied
      case .alreadyOn: .alreadyOn
      case .onPending: .onPending
      case .invalidAddress: .invalidAddress
      }
    set(FirmwareAnswer(code), vcpu)
  }
}
