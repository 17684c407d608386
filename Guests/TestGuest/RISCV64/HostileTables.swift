import CGuestRISCV64
import DeviceTree
import GuestKit

/// `hostile-tables`: entries that lead to nowhere, to devices, beyond the address size, to their own table, with reserved
/// bits, and values of `satp` that are not to be taken. Image, stack and vectors are mapped by other entries and keep working.
func runHostileTables(_ verdict: inout Verdict) {
  let window: UInt64 = 201
  let saved = machine.identityBlock(window)
  // SAFETY: only the address is taken.
  let table = UInt(bitPattern: unsafe guest_root_table_entries())
  let own = machine.physicalAddress(ofVirtual: table)
  func link(_ physical: UInt64) -> UInt64 { (physical >> 12) << 10 | 1 }
  let entries: [UInt64] = [
    link(own), link(machine.platform.uart.address), link(machine.platform.plic.address),
    link(machine.endOfMemory + 0x1000), link(machine.nestedFaultAddress), link(0xFF_FFFF_FFFF_F000), ~0, ~1, 0, 2,
    0x10_0000_00CF | 1 << 10,  // a leaf that is not aligned
    0x2000_00CF | 1 << 63, 0x2000_00CF | 3 << 61, 0x2000_00CF | 1 << 54,  // N, PBMT, reserved
    0x2000_0005, 0x2000_000F, 0x2000_00DF,  // W without R; neither A nor D; the user's
  ]
  let anything: Allowed = [.value, .accessFault, .pageFault, .misaligned]
  for entry in entries {
    machine.setIdentityBlock(window, entry)
    guest_sfence_vma()
    verdict.probe("load by the entry", entry, allowed: anything) { Access.load(8, window << 30 | 0x1000) }
    verdict.probeSilently("store by the entry", entry, allowed: anything) {
      entry & 0xF == 1 || entry == ~0 ? 0 : Access.store(8, window << 30 | 0x3FFF_FFF8, 0)
    }
    verdict.probeSilently(
      "jump by the entry", entry,
      allowed: [.instructionPageFault, .instructionAccessFault, .illegalInstruction, .value]
    ) { guest_probe_call(window << 30 | 0x2000, 0) }
  }
  machine.setIdentityBlock(window, saved)
  guest_sfence_vma()
  checkRoots(&verdict)
  checkThatInterruptsWork(&verdict)
}

/// A mode that there is not leaves `satp` as it was (privileged architecture, `satp`); any identifier is allowed.
private func checkRoots(_ verdict: inout Verdict) {
  let satp = guest_read_satp()
  for mode in [1, 2, 7, 11, 12, 15] as [UInt64] {
    guest_write_satp(satp & ~(0xF << 60) | mode << 60)
    verdict.check(guest_read_satp() == satp, "satp is as it was after mode", mode)
  }
  for identifier in [1, 0x7FFF, 0xFFFF] as [UInt64] {
    guest_write_satp(satp | identifier << 44)
    guest_sfence_vma()
    verdict.check(machine.counter > 0, "still there with the address space", identifier)
  }
  guest_write_satp(satp)
  guest_sfence_vma()
}
