import CGuestAArch64
import DeviceTree
import GuestKit

/// A wild value of TTBR0_EL1 and of the lower half of TCR_EL1.
private struct WildTable {
  let name: StaticString
  let table: UInt64
  let control: (UInt64) -> UInt64
}

/// `hostile-tables`: translation tables of the lower range in nowhere, in devices, beyond the address size, pointing at
/// themselves, and junk in TCR_EL1. Image, stack and vectors are in the upper range and keep working.
func runHostileTables(_ verdict: inout Verdict) {
  let behind = machine.endOfMemory
  let own = machine.physicalAddress(ofVirtual: UInt(guest_lower_table_address()))
  let keep: (UInt64) -> UInt64 = { $0 }
  let tables = [
    WildTable(name: "a table behind RAM", table: behind + 0x1000, control: keep),
    WildTable(name: "a table in nowhere", table: 0x1F_FFFF_F000, control: keep),
    WildTable(name: "a table beyond the address size", table: 0xFFFF_FFFF_F000, control: keep),
    WildTable(name: "a table in the UART", table: machine.platform.uart.address, control: keep),
    WildTable(name: "a table in the distributor", table: machine.platform.distributor.address, control: keep),
    WildTable(name: "a table across nothing but set bits", table: ~1, control: keep),
    WildTable(name: "T0SZ 0", table: own, control: { $0 & ~0x3F }),
    WildTable(name: "T0SZ 63", table: own, control: { $0 | 0x3F }),
    WildTable(name: "16 KiB granule", table: own, control: { $0 | 2 << 14 }),
    WildTable(name: "64 KiB granule", table: own, control: { $0 | 1 << 14 }),
    WildTable(name: "reserved granule", table: own, control: { $0 | 3 << 14 }),
    WildTable(name: "reserved physical size", table: own, control: { $0 | 7 << 32 }),
    WildTable(name: "reserved bits", table: own, control: { $0 | 1 << 6 | 1 << 35 | 1 << 62 }),
  ]
  for table in tables { probeTable(table, &verdict) }
  probeEntries(&verdict)
  checkThatInterruptsWork(&verdict)
}

private func probeTable(_ wild: WildTable, _ verdict: inout Verdict) {
  let table = guest_read_ttbr0()
  let control = guest_read_tcr()
  let anything: Allowed = [.value, .dataAbort, .translationFault, .alignmentFault]
  // The console is in the lower range: ask first, then put things right, then tell.
  guest_interrupts_off()
  guest_write_tcr(wild.control(control))
  guest_write_ttbr0(wild.table)
  guest_tlb_invalidate()
  let load = machine.attempt { Access.load(8, 0x4000_0000) }
  let store = machine.attempt { Access.store(8, 0x3FFF_FFF8, 0) }
  let translate = machine.attempt { guest_probe_at_s1e1r(0x4000_0000) }
  let jump = machine.attempt { guest_probe_call(0x4000_0000, 0) }
  guest_write_ttbr0(table)
  guest_write_tcr(control)
  guest_tlb_invalidate()
  guest_interrupts_on()
  verdict.check(anything.contains(load)) { $0.probe(wild.name, 0, load) }
  verdict.check(anything.contains(store)) { $0.probe(wild.name, 1, store) }
  verdict.check(anything.contains(translate)) { $0.probe(wild.name, 2, translate) }
  verdict.check(Allowed([.instructionAbort, .undefined]).contains(jump)) { $0.probe(wild.name, 3, jump) }
}

/// Single entries of a good table that lead astray.
private func probeEntries(_ verdict: inout Verdict) {
  let window: UInt64 = 201
  let saved = machine.lowerBlock(window)
  let own = machine.physicalAddress(ofVirtual: UInt(guest_lower_table_address()))
  let entries: [UInt64] = [
    own | 3, machine.platform.uart.address | 3, machine.platform.distributor.address | 3,
    (machine.endOfMemory + 0x1000) | 3, 0x1F_FFFF_F000 | 3, 0xFFFF_FFFF_F003, ~0, ~2, 0x701 | 0xFFFF << 48, 2, 1,
  ]
  for entry in entries {
    machine.setLowerBlock(window, entry)
    guest_tlb_invalidate()
    verdict.probe("load by the entry", entry, allowed: [.value, .dataAbort, .translationFault, .alignmentFault]) {
      Access.load(8, window << 30 | 0x1000)
    }
  }
  machine.setLowerBlock(window, saved)
  guest_tlb_invalidate()
}
