import CX86_64
import Kernel
import Virtualization

/// The MSRs that a guest reads and writes by way of the hypervisor: an allow-list. All others are a general-protection fault.
extension X86_64 {
  /// Values that Linux reads without being ready for a fault, and that say nothing.
  private enum Fixed {
    static let patchLevel: UInt32 = 0x8b
    static let systemConfiguration: UInt32 = 0xc001_0010
    static let hardwareConfiguration: UInt32 = 0xc001_0015
    static let interruptPending: UInt32 = 0xc001_0055
    static let decodeConfiguration: UInt32 = 0xc001_1029
  }

  /// Nil where there is no such register for this guest.
  static func readMSR(_ number: UInt32, of vcpu: Reference<VCPU<Self>>) -> UInt64? {
    let vmcb = vcpu.value.state.registers.vmcb
    switch number {
    case MSR.tsc: return guestCounter(of: vcpu.value.vm)
    case MSR.apicBase: return apicBase(of: vcpu)
    case MSR.tscDeadline: return vcpu.value.state.apic.timer.deadlineRegister
    case MSR.x2apicFirst...MSR.x2apicLast:
      guard vcpu.value.state.apic.mode == .x2APIC else { return nil }
      takeTaskPriority(of: vcpu)
      return vcpu.value.state.apic.read(number &- MSR.x2apicFirst, now: guestCounter(of: vcpu.value.vm))
    case MSR.efer: return vmcb[VMCB.efer] & ~MSR.eferSVME
    case MSR.pat: return vmcb[VMCB.guestPAT]
    case MSR.mtrrCap: return 0  // no ranges: all memory has the default type
    case MSR.mtrrDefaultType: return vcpu.value.state.memoryDefaultType
    case Fixed.patchLevel, Fixed.systemConfiguration, Fixed.interruptPending: return 0
    case Fixed.hardwareConfiguration: return 1 << 24  // the TSC counts at one speed
    case Fixed.decodeConfiguration: return 1 << 1  // LFENCE waits
    default: return nil
    }
  }

  /// Nil where the guest may not write that.
  static func writeMSR(_ number: UInt32, _ value: UInt64, of vcpu: Reference<VCPU<Self>>) -> Void? {
    let vmcb = vcpu.value.state.registers.vmcb
    switch number {
    case MSR.apicBase: return setAPICBase(value, of: vcpu)
    case MSR.tscDeadline: vcpu.value.state.apic.timer.setDeadline(value)
    case MSR.x2apicFirst...MSR.x2apicLast:
      guard vcpu.value.state.apic.mode == .x2APIC else { return nil }
      return writeAPIC(number &- MSR.x2apicFirst, value, of: vcpu)
    case MSR.efer: return setEFER(value, of: vcpu)
    case MSR.pat:
      guard isPAT(value) else { return nil }
      vmcb[VMCB.guestPAT] = value
    case MSR.mtrrDefaultType:
      guard value & ~0xc07 == 0 else { return nil }
      vcpu.value.state.memoryDefaultType = value
    case Fixed.patchLevel, Fixed.systemConfiguration, Fixed.hardwareConfiguration, Fixed.decodeConfiguration,
      Fixed.interruptPending:
      break  // has no effect
    default: return nil
    }
    return ()
  }

  /// Each of the eight types is one that there is (AMD APM 2, 7.8.1).
  static func isPAT(_ value: UInt64) -> Bool {
    for index in 0..<8 {
      switch value >> (UInt64(index) * 8) & 0xff {
      case 0, 1, 4...7: break
      default: return false
      }
    }
    return true
  }

  /// Long mode can be wanted only while paging is off; LMA is the processor's; SVM is not the guest's (AMD APM 2, 3.1.7).
  private static func setEFER(_ value: UInt64, of vcpu: Reference<VCPU<Self>>) -> Void? {
    let vmcb = vcpu.value.state.registers.vmcb
    let old = vmcb[VMCB.efer]
    let writable = MSR.eferSCE | MSR.eferLME | MSR.eferNXE
    guard value & ~(writable | MSR.eferLMA) == 0 else { return nil }
    if (value ^ old) & MSR.eferLME != 0, vmcb[VMCB.cr0] & CR0.pg.rawValue != 0 { return nil }
    vmcb[VMCB.efer] = value & writable | old & MSR.eferLMA | MSR.eferSVME
    // What may be executed has changed: no translation of before is to be used.
    if (value ^ old) & MSR.eferNXE != 0 { vcpu.value.state.asid = ASIDTag() }
    return ()
  }

  private static func apicBase(of vcpu: Reference<VCPU<Self>>) -> UInt64 {
    let mode: UInt64 =
      switch vcpu.value.state.apic.mode {
      case .disabled: 0
      case .xAPIC: MSR.apicBaseEnable
      case .x2APIC: MSR.apicBaseEnable | MSR.apicBaseX2APIC
      }
    return GuestPlace.localAPIC.rawValue | mode | (vcpu.value.state.apic.isBootCPU ? MSR.apicBaseBootCPU : 0)
  }

  /// The APIC stays where it is. Its modes change as Intel SDM 3A, figure 10-27 has it.
  private static func setAPICBase(_ value: UInt64, of vcpu: Reference<VCPU<Self>>) -> Void? {
    let known = MSR.apicBaseBootCPU | MSR.apicBaseEnable | MSR.apicBaseX2APIC | MSR.apicBaseAddress
    guard value & ~known == 0, value & MSR.apicBaseAddress == GuestPlace.localAPIC.rawValue else { return nil }
    let old = vcpu.value.state.apic.mode
    switch (value & MSR.apicBaseEnable != 0, value & MSR.apicBaseX2APIC != 0) {
    case (false, true): return nil
    case (false, false):
      vcpu.value.state.apic.reset(isPowerOn: false)
      vcpu.value.state.apic.mode = .disabled
    case (true, false):
      guard old != .x2APIC else { return nil }
      vcpu.value.state.apic.mode = .xAPIC
    case (true, true):
      guard old != .disabled else { return nil }
      vcpu.value.state.apic.mode = .x2APIC
    }
    return ()
  }
}
