import CGuestAArch64
import DeviceTree
import GuestKit

/// Reads of every register in a frame, in every width and unaligned.
private func readAll(_ name: StaticString, _ frame: UInt64, byteCount: UInt64, _ verdict: inout Verdict) {
  var tally = Tally()
  for offset in stride(from: 0, to: byteCount, by: 4) {
    for width in Access.widths {
      let aligned = frame + offset & ~(width - 1)
      tally.count(verdict.probeSilently(name, aligned, allowed: .deviceAccess) { Access.load(width, aligned) })
    }
    for width in Access.widths.dropFirst() where offset + width < byteCount {
      let odd = frame + offset + 1
      tally.count(verdict.probeSilently(name, odd, allowed: .deviceAccess) { Access.load(width, odd) })
    }
  }
  tally.say(name)
}

/// Writes of all ones and of zero to registers that the standard reserves, in every width and unaligned.
private func writeReserved(
  _ name: StaticString, _ frame: UInt64, _ ranges: [Range<UInt64>], _ verdict: inout Verdict
) {
  var tally = Tally()
  for range in ranges {
    for offset in stride(from: range.lowerBound, to: range.upperBound, by: 4) {
      for width in Access.widths where offset + width <= range.upperBound {
        for value in [~0, 0] as [UInt64] {
          tally.count(
            verdict.probeSilently(name, frame + offset, allowed: .deviceAccess) {
              Access.store(width, frame + offset, value)
            })
        }
        guard offset + 1 + width <= range.upperBound, width > 1 else { continue }
        tally.count(
          verdict.probeSilently(name, frame + offset + 1, allowed: .deviceAccess) {
            Access.store(width, frame + offset + 1, ~0)
          })
      }
    }
  }
  tally.say(name)
}

/// `hostile-gic`: every width on every register of the distributor and of all redistributors, then the interrupts must
/// still work (Arm GIC architecture, IHI 0069, 12.1.3: which accesses are supported, 12.8: the register maps).
func runHostileGIC(_ verdict: inout Verdict) {
  let distributor = machine.platform.distributor.address
  readAll("distributor reads", distributor, byteCount: 0x1_0000, &verdict)
  writeReserved(
    "distributor reserved writes", distributor,
    [0x14..<0x20, 0x44..<0x48, 0x4C..<0x50, 0x54..<0x58, 0x5C..<0x80, 0xF04..<0xF10, 0xF30..<0xF80, 0x8000..<0xC000],
    &verdict)
  for affinity in machine.affinities {
    guard let frames = machine.gic.redistributor(of: affinity) else { continue }
    readAll("redistributor reads", frames.base, byteCount: 0x1_0000, &verdict)
    readAll("redistributor SGI frame reads", frames.base + 0x1_0000, byteCount: 0x1_0000, &verdict)
    writeReserved("redistributor reserved writes", frames.base, [0x2C..<0x40, 0xD0..<0x100, 0x118..<0x1000], &verdict)
    writeReserved(
      "redistributor SGI frame reserved writes", frames.base + 0x1_0000,
      [0x0..<0x80, 0x90..<0x100, 0xE10..<0x1000, 0x2000..<0xC000], &verdict)
  }
  // The space behind the last redistributor belongs to the region but to no CPU.
  if let region = machine.platform.redistributors.first {
    let behind = region.address + UInt64(machine.affinities.count) * 0x2_0000
    if behind + 0x1_0000 <= region.address + region.byteCount {
      readAll("reads behind the last redistributor", behind, byteCount: 0x1000, &verdict)
    }
  }
  checkThatInterruptsWork(&verdict)
}

/// `hostile-uart`: every width on every register of the UART and of the clock; then the console must still work.
func runHostileUART(_ verdict: inout Verdict) {
  let uart = machine.platform.uart.address
  readAll("UART reads", uart, byteCount: 0x1000, &verdict)
  writeReserved("UART reserved writes", uart, [0x08..<0x18, 0x1C..<0x20, 0x4C..<0xFE0], &verdict)
  if let clock = machine.platform.clock {
    readAll("clock reads", clock.address, byteCount: 0x1000, &verdict)
    writeReserved("clock reserved writes", clock.address, [0x20..<0xFE0], &verdict)
  }
  verdict.check(true, "the console still works")
}
