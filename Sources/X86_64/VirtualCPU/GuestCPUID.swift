import CX86_64
import Kernel

/// What CPUID tells a guest: an allow-list of what it has (AMD APM 3, appendix E). What the machine has beyond is hidden, and
/// its instructions or MSRs are undefined; what only the hypervisor serves is added.
struct GuestCPUID {
  let apicIdentifier: UInt32
  let vcpuCount: UInt32
  let counterHz: UInt64

  /// Bits of leaf 1, ECX, that the machine's own CPU may show. Not CMPXCHG16B: an emulator's spoils flags. Not XSAVE and what
  /// needs it: FXSAVE's registers are those that are switched.
  private static let features1C: UInt32 =
    bits([0, 1, 9, 19, 20, 22, 23, 25, 30])  // SSE3, PCLMULQDQ, SSSE3, SSE4.1, SSE4.2, MOVBE, POPCNT, AES, RDRAND
  /// x2APIC, TSC deadline, hypervisor present: served.
  private static let served1C: UInt32 = bits([21, 24, 31])
  /// FPU, DE, PSE, TSC, MSR, PAE, CX8, APIC, SEP, MTRR, PGE, CMOV, PAT, PSE36, CLFSH, MMX, FXSR, SSE, SSE2. No machine checks.
  private static let features1D: UInt32 =
    bits([0, 2, 3, 4, 5, 6, 8, 9, 11, 12, 13, 15, 16, 17, 19, 23, 24, 25, 26])
  /// FSGSBASE, BMI1, SMEP, BMI2, ERMS, RDSEED, ADX, SMAP, CLFLUSHOPT, SHA.
  private static let features7B: UInt32 = bits([0, 3, 7, 8, 9, 18, 19, 20, 23, 29])
  /// LAHF in long mode, ABM, SSE4A, misaligned SSE, PREFETCH. Not SVM.
  private static let extended1C: UInt32 = bits([0, 5, 6, 7, 8])
  /// As leaf 1, and SYSCALL, NX, MMX extensions, pages of 1 GiB, long mode.
  private static let extended1D: UInt32 =
    bits([0, 2, 3, 4, 5, 6, 8, 9, 11, 12, 13, 15, 16, 17, 20, 22, 23, 24, 26, 29])

  private static func bits(_ numbers: [UInt32]) -> UInt32 { numbers.reduce(0) { $0 | 1 << $1 } }

  static let lastLeaf: UInt32 = 0xb
  static let lastExtendedLeaf: UInt32 = 0x8000_0008
  static let firstHypervisorLeaf: UInt32 = 0x4000_0000
  static let timingLeaf: UInt32 = 0x4000_0010

  /// - Parameter machine: The machine's own answer to the same question.
  func answer(leaf: UInt32, subleaf: UInt32, machine: X86CPUIDResult) -> X86CPUIDResult {
    var result = X86CPUIDResult()
    switch leaf {
    case 0:
      result = machine
      result.eax = Self.lastLeaf
    case 1:
      result.eax = machine.eax
      result.ebx = apicIdentifier << 24 | min(vcpuCount, 255) << 16 | machine.ebx & 0xff00
      result.ecx = machine.ecx & Self.features1C | Self.served1C
      result.edx = machine.edx & Self.features1D | (vcpuCount > 1 ? 1 << 28 : 0)
    case 6: result.eax = 1 << 2  // the APIC's timer never stops
    case 7 where subleaf == 0: result.ebx = machine.ebx & Self.features7B
    case 0xb: result = topology(subleaf)
    case Self.firstHypervisorLeaf:
      // "ApusApusApus"
      result = X86CPUIDResult(eax: Self.timingLeaf, ebx: 0x7375_7041, ecx: 0x7375_7041, edx: 0x7375_7041)
    case Self.timingLeaf:
      // As other hypervisors have it: how fast the TSC and the APIC's timer count, in kHz.
      let speed = UInt32(truncatingIfNeeded: counterHz / 1000)
      result = X86CPUIDResult(eax: speed, ebx: speed, ecx: 0, edx: 0)
    case 0x8000_0000:
      result = machine
      result.eax = Self.lastExtendedLeaf
    case 0x8000_0001:
      result.eax = machine.eax
      result.ecx = machine.ecx & Self.extended1C
      result.edx = machine.edx & Self.extended1D
    case 0x8000_0002...0x8000_0006: result = machine  // name and caches
    case 0x8000_0007: result.edx = 1 << 8  // the TSC runs at one speed and is the same on every CPU
    case 0x8000_0008:
      result.eax = machine.eax & 0xffff
      result.ecx = vcpuCount &- 1
    default: break
    }
    return result
  }

  /// Extended topology: one thread a core, all cores in one package (Intel SDM 2A, CPUID leaf 0BH).
  private func topology(_ level: UInt32) -> X86CPUIDResult {
    switch level {
    case 0: X86CPUIDResult(eax: 0, ebx: 1, ecx: 0x100, edx: apicIdentifier)
    case 1:
      X86CPUIDResult(
        eax: 32 &- UInt32((vcpuCount &- 1).leadingZeroBitCount), ebx: vcpuCount, ecx: 0x201, edx: apicIdentifier)
    default: X86CPUIDResult(eax: 0, ebx: 0, ecx: level & 0xff, edx: apicIdentifier)
    }
  }
}
