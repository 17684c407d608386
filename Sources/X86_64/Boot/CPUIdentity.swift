import CX86_64

/// What the CPUs can do, read from the boot CPU; all are of one kind to guests. AMD APM 3, appendix E.
struct CPUIdentity {
  let hasSVM: Bool
  /// Firmware has switched SVM off and locked that (VM_CR.SVMDIS; APM 2, 15.30.1).
  let isSVMLocked: Bool
  let hasNestedPaging: Bool
  /// Whether an exit tells where the next instruction is (NRIPS).
  let hasNextRIP: Bool
  /// Address-space identifiers, the hypervisor's own 0 among them.
  let asidCount: UInt32
  /// Nil for a CPU that says what no manual knows.
  let physicalRange: PhysicalAddressRange?
  let hasHugePages: Bool
  let hasRDTSCP: Bool

  static func read() -> Self {
    let extended = x86_cpuid(0x8000_0001, 0)
    let hasSVM = extended.ecx & 1 << 2 != 0
    let svm = hasSVM ? x86_cpuid(0x8000_000a, 0) : X86CPUIDResult()
    return Self(
      hasSVM: hasSVM,
      isSVMLocked: hasSVM && x86_rdmsr(MSR.vmCR) & MSR.vmCRDisabled != 0,
      hasNestedPaging: svm.edx & 1 << 0 != 0,
      hasNextRIP: svm.edx & 1 << 3 != 0,
      asidCount: svm.ebx,
      physicalRange: PhysicalAddressRange(features: x86_cpuid(0x8000_0008, 0).eax),
      hasHugePages: extended.edx & 1 << 26 != 0,
      hasRDTSCP: extended.edx & 1 << 27 != 0)
  }

  /// Why this CPU cannot run guests; nil where it can.
  var complaint: StaticString? {
    if !hasSVM { return "this CPU has no SVM (QEMU: -cpu EPYC)" }
    if isSVMLocked { return "the firmware has switched SVM off" }
    if !hasNestedPaging { return "this CPU's SVM has no nested paging" }
    if physicalRange == nil { return "this CPU has a size of addresses that no manual knows" }
    if asidCount < 2 { return "this CPU has no address-space identifiers" }
    return nil
  }

  var nestedFormat: NestedTableFormat? {
    physicalRange.map { NestedTableFormat(machine: $0, hasHugePages: hasHugePages) }
  }
}
