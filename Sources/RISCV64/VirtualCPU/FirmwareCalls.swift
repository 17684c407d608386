import CRISCV64
import Kernel
import Synchronization
import Virtualization

extension RISCV64 {
  /// A call by ECALL: answered here by the guest's own hart numbers; nothing of it reaches the machine's firmware but the
  /// fences, by the machine's harts.
  @inline(__always) static func callFirmware(_ vcpu: Reference<VCPU<Self>>) -> VMExit<RISCV64Exit> {
    let registers = vcpu.value.state.registers
    let call = FirmwareCall(
      extension: registers[Register.a7], function: registers[Register.a6], registers[Register.a0],
      registers[Register.a1], registers[Register.a2], registers[Register.a3], registers[Register.a4])
    switch call {
    // The most frequent here, the others elsewhere.
    case .setTimer(let deadline):
      setTimer(deadline, of: vcpu)
      return answering(FirmwareAnswer(.success), vcpu)
    case .sendIPI(let harts):
      guard let targets = harts.targets(vcpuCount: vcpu.value.vm.value.vcpus.count) else {
        return answering(FirmwareAnswer(.invalidParameter), vcpu)
      }
      sendSoftwareInterrupt(to: CPUSet(rawValue: targets), in: vcpu.value.vm)
      return answering(FirmwareAnswer(.success), vcpu)
    case .specificationVersion: return answering(.specificationVersion, vcpu)
    default: return carryOut(call, of: vcpu)
    }
  }

  @inline(never) private static func carryOut(
    _ call: FirmwareCall, of vcpu: Reference<VCPU<Self>>
  ) -> VMExit<RISCV64Exit> {
    switch call {
    case .specificationVersion: return answering(.specificationVersion, vcpu)
    case .implementationID: return answering(.implementationID, vcpu)
    case .implementationVersion: return answering(.implementationVersion, vcpu)
    case .probe(let `extension`): return answering(.probe(`extension`), vcpu)
    case .machineVendor, .machineArchitecture, .machineImplementation: return answering(.machineIdentity, vcpu)
    case .setTimer, .sendIPI: return answering(FirmwareAnswer(.failed), vcpu)  // done above
    case .fenceInstructions(let harts): return answering(fence(.instructions, on: harts, by: vcpu), vcpu)
    case .fenceTranslations(let harts, let range, let asid):
      return answering(fence(.translations(range, asid: asid), on: harts, by: vcpu), vcpu)
    case .startHart(let target, let entry, let argument):
      return .cpuUp(target: target, entry: GuestPhysicalAddress(entry), argument: argument)
    case .stopHart: return .cpuDown
    case .hartState(let hart): return answering(hartState(hart, in: vcpu.value.vm), vcpu)
    case .suspendHart(.retentive, _, _):
      _ = answering(FirmwareAnswer(.success), vcpu)
      return .halt
    case .suspendHart(.notImplemented, _, _): return answering(FirmwareAnswer(.notSupported), vcpu)
    case .suspendHart(.reserved, _, _): return answering(FirmwareAnswer(.invalidParameter), vcpu)
    case .systemReset(.shutdown): return .systemDown(.powerOff)
    case .systemReset(.reboot): return .systemDown(.reset)
    case .systemReset(.notImplemented): return answering(FirmwareAnswer(.notSupported), vcpu)
    case .systemReset(.reserved): return answering(FirmwareAnswer(.invalidParameter), vcpu)
    case .consoleWrite(let address, let upperAddress, let byteCount):
      return answering(write(address, upperAddress, byteCount: byteCount, of: vcpu.value.vm), vcpu)
    // What is typed goes to the serial port: there is nothing to read, wherever it would have to go.
    case .consoleRead(let address, let upperAddress, let byteCount):
      let isMemory =
        upperAddress == 0
        && Int(exactly: byteCount).map {
          vcpu.value.vm.value.memory.contains(GuestPhysicalAddress(address), byteCount: $0)
        } ?? false
      return answering(isMemory ? FirmwareAnswer(0) : FirmwareAnswer(.invalidParameter), vcpu)
    case .consoleWriteByte(let byte):
      _ = vcpu.value.vm.value.state.serialPort?.value.put(byte)
      return answering(FirmwareAnswer(.success), vcpu)
    case .identify(let half): return answering(.identity(half: half), vcpu)
    case .apusVersion: return answering(.apusVersion, vcpu)
    case .apusFeatures: return answering(.apusFeatures, vcpu)
    case .write(let address, let byteCount):
      return .hypercall(.writeLog(GuestPhysicalAddress(address), byteCount: byteCount))
    case .yield:
      _ = answering(FirmwareAnswer(.success), vcpu)
      return .yield
    case .stop(let code): return .hypercall(.stop(code: code))
    default: return carryOutLegacy(call, of: vcpu)
    }
  }

  /// Calls that answer in a0 alone (RISC-V SBI 2.0, chapter 5), and those that there are not.
  private static func carryOutLegacy(
    _ call: FirmwareCall, of vcpu: Reference<VCPU<Self>>
  ) -> VMExit<RISCV64Exit> {
    let registers = vcpu.value.state.registers
    switch call {
    case .legacySetTimer(let deadline):
      setTimer(deadline, of: vcpu)
      registers[Register.a0] = 0
    case .legacyPutCharacter(let byte):
      _ = vcpu.value.vm.value.state.serialPort?.value.put(byte)
      registers[Register.a0] = 0
    case .legacyGetCharacter: registers[Register.a0] = SBIError.failed.registerValue
    case .legacyClearIPI:
      clear_hvip(VirtualInterrupts.software.rawValue)
      registers[Register.a0] = 0
    case .legacyShutdown: return .systemDown(.powerOff)
    case .unknown(let `extension`, _) where `extension` <= SBIExtension.lastLegacy:
      registers[Register.a0] = SBIError.notSupported.registerValue
    default: return answering(FirmwareAnswer(.notSupported), vcpu)
    }
    return .handled
  }

  @inline(__always) private static func answering(
    _ answer: FirmwareAnswer, _ vcpu: Reference<VCPU<Self>>
  ) -> VMExit<RISCV64Exit> {
    let registers = vcpu.value.state.registers
    registers[Register.a0] = answer.error.registerValue
    registers[Register.a1] = answer.value
    return .handled
  }

  public static func answer(_ result: CallResult, to vcpu: Reference<VCPU<Self>>) {
    _ = answering(FirmwareAnswer(SBIError(result)), vcpu)
  }

  // MARK: - Harts

  /// HSM hart_get_status (9.3).
  private static func hartState(_ hart: UInt64, in vm: Reference<VM<Self>>) -> FirmwareAnswer {
    guard let index = vcpuIndex(of: hart, in: vm) else { return FirmwareAnswer(.invalidParameter) }
    let state: SBIHartState =
      switch vm.value.vcpus[index].value.power.load(ordering: .sequentiallyConsistent) {
      case .on: .started
      case .claimed, .starting: .startPending
      case .off: .stopped
      }
    return FirmwareAnswer(state.rawValue)
  }

  // MARK: - Console

  /// Bytes that one call writes at most; the standard lets it write fewer than asked for, and says how many (12.1).
  private static let consoleByteLimit: UInt64 = 256

  private static func write(
    _ address: UInt64, _ upperAddress: UInt64, byteCount: UInt64, of vm: Reference<VM<Self>>
  ) -> FirmwareAnswer {
    let start = GuestPhysicalAddress(address)
    guard upperAddress == 0, let port = vm.value.state.serialPort, let whole = Int(exactly: byteCount),
      vm.value.memory.contains(start, byteCount: whole)
    else { return FirmwareAnswer(.invalidParameter) }
    var done: UInt64 = 0
    while done < min(byteCount, consoleByteLimit), let place = start.advanced(by: done),
      let byte = vm.value.memory.byte(at: place), port.value.put(byte)
    {
      done &+= 1
    }
    return FirmwareAnswer(done)
  }
}
