import CGuestRISCV64
import DeviceTree
import GuestKit

/// One of the instructions in `Probes.S`.
private struct Instruction: Sendable {
  let name: StaticString
  let run: @convention(c) @Sendable (UInt64) -> UInt64
}

private let plain: [Instruction] = [
  Instruction(name: "LB", run: guest_probe_lb),
  Instruction(name: "LH", run: guest_probe_lh),
  Instruction(name: "LHU", run: guest_probe_lhu),
  Instruction(name: "LWU", run: guest_probe_lwu),
  Instruction(name: "LD", run: guest_probe_ld),
  Instruction(name: "C.LW", run: guest_probe_c_lw),
  Instruction(name: "C.LD", run: guest_probe_c_ld),
  Instruction(name: "LW to x0", run: guest_probe_load_zero),
  Instruction(name: "SB", run: guest_probe_sb),
  Instruction(name: "SH", run: guest_probe_sh),
  Instruction(name: "SD", run: guest_probe_sd),
  Instruction(name: "C.SW", run: guest_probe_c_sw),
  Instruction(name: "C.SD", run: guest_probe_c_sd),
]

private let refused: [Instruction] = [
  Instruction(name: "FLW", run: guest_probe_flw),
  Instruction(name: "FLD", run: guest_probe_fld),
  Instruction(name: "C.FLD", run: guest_probe_c_fld),
  Instruction(name: "FSW", run: guest_probe_fsw),
  Instruction(name: "FSD", run: guest_probe_fsd),
  Instruction(name: "C.FSD", run: guest_probe_c_fsd),
  Instruction(name: "AMOADD.W", run: guest_probe_amoadd_w),
  Instruction(name: "AMOADD.D", run: guest_probe_amoadd_d),
  Instruction(name: "AMOOR.W", run: guest_probe_amoor_w),
  Instruction(name: "AMOMAXU.D", run: guest_probe_amomaxu_d),
  Instruction(name: "LR.W", run: guest_probe_lr_w),
  Instruction(name: "LR.D", run: guest_probe_lr_d),
  Instruction(name: "SC.W", run: guest_probe_sc_w),
  Instruction(name: "SC.D", run: guest_probe_sc_d),
  Instruction(name: "LR.W, SC.W", run: guest_probe_exclusive_pair),
]

/// `hostile-instructions`: every kind of load and store on devices and on nothing, aligned and not.
func runHostileInstructions(_ verdict: inout Verdict) {
  let platform = machine.platform
  // Registers that a store does not change: the PLIC's pending bits, the clock's alarm status; and no registers at all.
  let places = [
    platform.plic.address + PLIC.pending, (platform.clock ?? platform.uart).address + 0x18,
    platform.uart.address + 0x10, machine.endOfMemory + 0x1000,
  ]
  // Floating point on: sstatus.FS initial.
  guest_set_sstatus(1 << 13)
  for place in places {
    for offset in [0, 1, 2, 4] as [UInt64] {
      let address = place + offset
      for instruction in plain + refused {
        verdict.probeSilently(
          instruction.name, address, allowed: [.value, .accessFault, .misaligned, .illegalInstruction]
        ) { instruction.run(address) }
      }
    }
  }
  guest_clear_sstatus(3 << 13)
  checkCompressed(&verdict)
  checkThatInterruptsWork(&verdict)
}

/// Registers that keep what is written, by compressed instructions and by wide ones: the same value is read back.
private func checkCompressed(_ verdict: inout Verdict) {
  let priority = machine.platform.plic.address + PLIC.priorities + 4 * 5
  // With interrupts masked the stack pointer may be elsewhere for an instruction.
  guest_clear_sstatus(RISCV64Machine.interruptEnable)
  _ = Access.store(4, priority, 0)
  _ = guest_probe_c_swsp(priority, 3)
  let bySP = guest_probe_c_lwsp(priority)
  let byRegister = guest_probe_c_lw(priority)
  _ = guest_probe_c_sw(priority)
  let cleared = Access.load(4, priority)
  guest_set_sstatus(RISCV64Machine.interruptEnable)
  verdict.check(bySP == 3 && byRegister == 3, "compressed stores and loads, value", bySP)
  verdict.check(cleared == 0, "compressed store of zero, value", cleared)
}
