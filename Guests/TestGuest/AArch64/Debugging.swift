import CGuestAArch64
import DeviceTree
import GuestKit

/// The case `debug`: steps, a breakpoint and a watchpoint, of EL1's own code and of a program at EL0 (Arm ARM DDI 0487,
/// D2), as a debugger uses them.
func runDebug(_ verdict: inout Verdict) {
  guest_write_oslar(0)
  verdict.check(guest_read_oslsr() & 0b10 == 0, "the OS lock is open", guest_read_oslsr())
  for level in [Excursion.Level.el1, .el0] { checkWalk(level, &verdict) }
  checkTrappedSteps(&verdict)
  guest_write_oslar(1)
  verdict.check(guest_read_oslsr() & 0b10 != 0, "the OS lock can be closed", guest_read_oslsr())
  guest_write_oslar(0)
}

/// The GiB of the image once more, as normal memory that EL0 may use.
private let userWindow: UInt64 = 203

private func address(of symbol: UInt64, _ level: Excursion.Level) -> UInt64 {
  guard level == .el0 else { return symbol }
  let physical = machine.physicalAddress(ofVirtual: UInt(symbol))
  machine.setLowerBlock(userWindow, (physical >> 30) << 30 | 0x741)
  guest_tlb_invalidate()
  return userWindow << 30 | physical & 0x3FFF_FFFF
}

/// What is loaded and watched: eight bytes of the image's own.
private var watched: UInt64 { guest_link_address() + 0x38 & ~7 }

private func step(_ entry: UInt64, _ level: Excursion.Level, argument: UInt64) -> UInt64 {
  Excursion.shared.run(entry, at: level, isStepped: true, argument: argument)
}

private func checkWalk(_ level: Excursion.Level, _ verdict: inout Verdict) {
  let name: StaticString = level == .el0 ? "at EL0" : "at EL1"
  let entry = address(of: guest_walk_address(), level)
  let operand = address(of: watched, level)
  let excursion = Excursion.shared

  let result = step(entry, level, argument: operand)
  // The last but one step is the branch over a word.
  let offsets: [UInt64] = [4, 8, 12, 16, 20, 28, 32]
  var isInOrder = excursion.stepCount == offsets.count && result == 2
  for (index, offset) in offsets.enumerated() where excursion.place(index) != entry + offset { isInOrder = false }
  verdict.check(isInOrder) { $0.walk("seven steps", name, UInt64(excursion.stepCount)) }

  let place = address(of: guest_walk_break_address(), level)
  guest_write_dbgbvr0(place)
  guest_write_dbgbcr0(0xF << 5 | level.privilege << 1 | 1)
  _ = excursion.run(entry, at: level, isStepped: false, argument: operand)
  guest_write_dbgbcr0(0)
  verdict.check(excursion.breakpointAddress == place) { $0.walk("a breakpoint", name, excursion.breakpointAddress) }

  guest_write_dbgwvr0(operand)
  guest_write_dbgwcr0(0xFF << 5 | 0b11 << 3 | level.privilege << 1 | 1)
  _ = excursion.run(entry, at: level, isStepped: false, argument: operand)
  guest_write_dbgwcr0(0)
  verdict.check(excursion.watchpointAddress == operand) { $0.walk("a watchpoint", name, excursion.watchpointAddress) }
  verdict.check(excursion.unexpectedSyndrome == 0, "no other exception", excursion.unexpectedSyndrome)
}

/// Steps over instructions that a hypervisor executes: each must be one step.
private func checkTrappedSteps(_ verdict: inout Verdict) {
  let entry = guest_walk_trapped_address()
  let excursion = Excursion.shared
  let version = step(entry, .el1, argument: machine.platform.uart.address + 0xFE0)
  var isInOrder = excursion.stepCount == 6 && version >= 0x1_0000
  for index in 0..<6 where excursion.place(index) != entry + UInt64(index + 1) * 4 { isInOrder = false }
  verdict.check(isInOrder) { $0.walk("six steps over what is trapped", "at EL1", UInt64(excursion.stepCount)) }
}

extension Excursion.Level {
  /// PMC of a breakpoint, PAC of a watchpoint.
  fileprivate var privilege: UInt64 { self == .el0 ? 0b10 : 0b01 }
}

extension Line {
  fileprivate mutating func walk(_ what: StaticString, _ level: StaticString, _ seen: UInt64) {
    text(what)
    text(" ")
    text(level)
    text(": ")
    hex(seen)
  }
}
