import Kernel
import Virtualization

/// What a person is told of a vCPU that has faulted.
extension X86_64 {
  public static func describe(_ vcpu: Reference<VCPU<Self>>, to show: (LogText) -> Void) {
    let registers = vcpu.value.state.registers
    let vmcb = registers.vmcb
    show(cause(vmcb[VMCB.exitCode], vmcb[VMCB.exitInfo1], vmcb[VMCB.exitInfo2]))
    show("rax \(hex: registers[0]) rcx \(hex: registers[1]) rdx \(hex: registers[2]) rbx \(hex: registers[3])")
    show("rsp \(hex: registers[4]) rbp \(hex: registers[5]) rsi \(hex: registers[6]) rdi \(hex: registers[7])")
    for first in [8, 12] {
      show(
        """
        r\(first) \(hex: registers[first]) r\(first + 1) \(hex: registers[first + 1]) \
        r\(first + 2) \(hex: registers[first + 2]) r\(first + 3) \(hex: registers[first + 3])
        """)
    }
    show(
      "rip \(hex: vmcb[VMCB.rip]) rflags \(hex: vmcb[VMCB.rflags]) cs \(hex: UInt64(vmcb[.cs].selector)) base \(hex: vmcb[.cs].base)"
    )
    show(
      """
      cr0 \(hex: vmcb[VMCB.cr0]) cr2 \(hex: vmcb[VMCB.cr2]) cr3 \(hex: vmcb[VMCB.cr3]) cr4 \(hex: vmcb[VMCB.cr4]) \
      efer \(hex: vmcb[VMCB.efer])
      """)
    show("idtr \(hex: vmcb[.idtr].base) gdtr \(hex: vmcb[.gdtr].base) event \(hex: vmcb[VMCB.exitInterruptInfo])")
  }

  /// The exit in words.
  static func cause(_ code: UInt64, _ info1: UInt64, _ info2: UInt64) -> LogText {
    switch code {
    case ExitCode.shutdown: "a fault while it handled a double fault"
    case ExitCode.nestedPageFault: "an access to guest-physical \(hex: info2), error \(hex: info1)"
    case ExitCode.machineCheckException: "a machine check"
    default:
      UInt32(truncatingIfNeeded: code) == ExitCode.invalid
        ? "the processor refused its state" : "exit \(hex: code), information \(hex: info1) and \(hex: info2)"
    }
  }
}
