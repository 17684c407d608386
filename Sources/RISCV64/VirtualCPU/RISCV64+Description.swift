import CRISCV64
import Kernel
import Virtualization

/// What a person is told of a vCPU that has faulted.
extension RISCV64 {
  public static func describe(_ vcpu: Reference<VCPU<Self>>, to show: (LogText) -> Void) {
    let registers = vcpu.value.state.registers
    let trap = vcpu.value.state.trap
    show("\(trap.cause.words) at \(hex: trap.value)")
    for first in stride(from: 0, to: 32, by: 4) {
      show(
        """
        x\(first) \(hex: registers[first]) x\(first + 1) \(hex: registers[first + 1]) \
        x\(first + 2) \(hex: registers[first + 2]) x\(first + 3) \(hex: registers[first + 3])
        """)
    }
    show("pc \(hex: registers.programCounter) sstatus \(hex: registers.status.rawValue)")
    let system = vcpu.value.state.system
    show(
      """
      vstvec \(hex: system.vstvec) vsepc \(hex: system.vsepc) vscause \(hex: system.vscause) \
      vstval \(hex: system.vstval) vsatp \(hex: system.vsatp) vsstatus \(hex: system.vsstatus)
      """)
  }
}

extension TrapCause {
  /// The exit in words.
  var words: StaticString {
    switch self {
    case .guestCall: "a call of the firmware"
    case .instructionGuestPageFault: "a fetch from where nothing is,"
    case .loadGuestPageFault: "a load from where nothing is,"
    case .storeGuestPageFault: "a store to where nothing is,"
    case .virtualInstruction: "an instruction that guests do not have,"
    default: "an exception that the hart does not leave to guests,"
    }
  }
}
