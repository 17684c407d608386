import CGuestRISCV64
import DeviceTree
import GuestKit

/// `hostile-plic`: registers of contexts that are others' or nobody's, of sources that are not there, and places between,
/// at every width, aligned and not.
func runHostilePLIC(_ verdict: inout Verdict) {
  let base = machine.platform.plic.address
  var offsets: [UInt64] = []
  for source in [0, 1, 10, 53, 95, 96, 127, 128, 1023] as [UInt64] { offsets.append(source * 4) }
  for word in [0, 1, 3, 31] as [UInt64] { offsets.append(PLIC.pending + word * 4) }
  for context in [0, 1, 2, 3, 8, 15, 16, 31, 63, 64, 1023, 15871] as [UInt64] {
    offsets.append(PLIC.enables + context * PLIC.enableStride)
    offsets.append(PLIC.enables + context * PLIC.enableStride + 0x7C)
    offsets.append(PLIC.contexts + context * PLIC.contextStride + PLIC.threshold)
    offsets.append(PLIC.contexts + context * PLIC.contextStride + PLIC.claim)
    offsets.append(PLIC.contexts + context * PLIC.contextStride + 0xFFC)
  }
  guest_clear_sstatus(RISCV64Machine.interruptEnable)
  var tally = Tally()
  for offset in offsets {
    for width in Access.widths {
      for skew in [0, 1] as [UInt64] {
        let address = base + offset + skew
        tally.count(
          verdict.probeSilently("PLIC store", address, allowed: .deviceAccess) { Access.store(width, address, ~0) })
        tally.count(
          verdict.probeSilently("PLIC load", address, allowed: .deviceAccess) { Access.load(width, address) })
      }
    }
  }
  tally.say("accesses of the PLIC")
  for cpu in machine.platform.cpus { machine.plic.clear(context: cpu.context) }
  for source in 1..<96 as Range<UInt64> { MMIO(base: base).write32(source * 4, 0) }
  machine.plic.enable(machine.platform.uartInterrupt, in: machine.platform.cpus[0].context)
  guest_set_sstatus(RISCV64Machine.interruptEnable)
  verdict.check(machine.externalInterruptComes(), "the UART's interrupt still comes")
  checkThatInterruptsWork(&verdict)
}

/// `hostile-uart`: every register at every width, with wild values, from both ends of its page.
func runHostileUART(_ verdict: inout Verdict) {
  let base = machine.platform.uart.address
  var tally = Tally()
  for offset in [0x08, 0x10, 0xFF, 0x100, 0xFF8, 0xFFC, 0xFFF] as [UInt64] {
    for width in Access.widths {
      tally.count(
        verdict.probeSilently("UART store", base + offset, allowed: .deviceAccess) {
          Access.store(width, base + offset, ~0)
        })
      tally.count(
        verdict.probeSilently("UART load", base + offset, allowed: .deviceAccess) {
          Access.load(width, base + offset)
        })
    }
  }
  for register in 1..<8 as Range<UInt64> {
    for value in [0, 0x55, 0xAA, 0xFF] as [UInt64] {
      // Loopback keeps what the wild divisor or data would send; the divisor's bit must not be left on.
      guest_clear_sstatus(RISCV64Machine.interruptEnable)
      tally.count(
        verdict.probeSilently("UART register store", register, allowed: .deviceAccess) {
          Access.store(1, base + register, value)
        })
      tally.count(
        verdict.probeSilently("UART register load", register, allowed: .deviceAccess) {
          Access.load(1, base + register)
        })
      machine.uart.prepare()
      guest_set_sstatus(RISCV64Machine.interruptEnable)
    }
  }
  tally.say("accesses of the UART")
  verdict.check(machine.externalInterruptComes(), "the UART's interrupt still comes")
}
