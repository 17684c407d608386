import CGuestAArch64
import DeviceTree
import GuestKit

extension AArch64Machine {
  /// The end of the RAM that holds the image: the first address that is none of ours.
  var endOfMemory: UInt64 {
    let load = guest_load_address()
    for range in platform.memory where load >= range.address && load - range.address < range.byteCount {
      return range.address + range.byteCount
    }
    return load
  }

  /// Makes an address normal memory in the identity map, whatever is there.
  func mapAsNormal(_ address: UInt64) {
    setLowerBlock(address >> 30, (address >> 30) << 30 | 0x701)
    guest_tlb_invalidate()
  }
}

/// `hostile-jump`: execution where no memory is.
func runHostileJump(_ verdict: inout Verdict) {
  let end = machine.endOfMemory
  machine.mapAsNormal(end)
  verdict.probe("jump behind RAM", end + 0x1000, allowed: [.instructionAbort]) { guest_probe_call(end + 0x1000, 0) }
  verdict.probe("jump to the UART", machine.platform.uart.address, allowed: [.instructionAbort, .undefined]) {
    guest_probe_call(machine.platform.uart.address, 0)
  }
  verdict.probe(
    "jump to the distributor", machine.platform.distributor.address, allowed: [.instructionAbort, .undefined]
  ) {
    guest_probe_call(machine.platform.distributor.address, 0)
  }
  verdict.probe("jump to an odd address", 0x4000_0001, allowed: [.programCounterAlignment]) {
    guest_probe_call(0x4000_0001, 0)
  }
  verdict.probe("jump outside the address space", 1 << 52, allowed: [.instructionAbort]) {
    guest_probe_call(1 << 52, 0)
  }
  // The last word of RAM is a NOP: the next fetch leaves RAM.
  let last = MMIO(base: end - 4)
  let saved = last.read32(0)
  last.write32(0, 0xD503_201F)
  makeExecutable(end - 4)
  verdict.probe("run across the end of RAM", end - 4, allowed: [.instructionAbort]) { guest_probe_call(end - 4, 0) }
  last.write32(0, saved)
}

/// Makes instructions just written visible to fetches.
func makeExecutable(_ address: UInt64) {
  // SAFETY: cache maintenance by address changes no memory.
  unsafe guest_data_cache_clean(UnsafeRawPointer(bitPattern: UInt(address)))
  // SAFETY: as above.
  unsafe guest_instruction_cache_invalidate(UnsafeRawPointer(bitPattern: UInt(address)))
}

/// `hostile-memory`: loads and stores where neither RAM nor a device is, and across the end of RAM.
func runHostileMemory(_ verdict: inout Verdict) {
  let end = machine.endOfMemory
  machine.mapAsNormal(end)
  let nowhere: [UInt64] = [
    0x0000_0000, 0x0400_0000, machine.platform.uart.address + 0x800_000, 0x3FFF_FFF8, end, end + 0xFFF8,
    end + 0x1000_0000, 0x1F_FFFF_F000,
  ]
  for address in nowhere {
    for width in Access.widths {
      verdict.probe(Access.loadName(width), address, allowed: .deviceAccess) { Access.load(width, address) }
      verdict.probe(Access.storeName(width), address, allowed: .deviceAccess) { Access.store(width, address, 0) }
    }
  }
  for width in Access.widths.dropFirst() {
    verdict.probe("load across the end of RAM, bytes", width, allowed: [.dataAbort, .alignmentFault]) {
      Access.load(width, end - width / 2)
    }
    verdict.probe("store across the end of RAM, bytes", width, allowed: [.dataAbort, .alignmentFault]) {
      Access.store(width, end - width / 2, 0)
    }
  }
  verdict.probe("LDP across the end of RAM", end - 8, allowed: [.dataAbort]) { guest_probe_ldp(end - 8) }
  verdict.probe("STP across the end of RAM", end - 8, allowed: [.dataAbort]) { guest_probe_stp(end - 8) }
  verdict.probe("LD1 across the end of RAM", end - 16, allowed: [.dataAbort]) { guest_probe_ld1(end - 16) }
  probeFarAddresses(&verdict)
  sweepLowMemory(&verdict)
}

/// Physical addresses that only a wide table entry can name.
private func probeFarAddresses(_ verdict: inout Verdict) {
  let window: UInt64 = 200
  let saved = machine.lowerBlock(window)
  for shift in [36, 39, 40, 42, 43, 44, 47] as [UInt64] {
    machine.setLowerBlock(window, 1 << shift | 0x701)
    guest_tlb_invalidate()
    verdict.probe("load of physical address 1 <<", shift, allowed: [.value, .dataAbort, .translationFault]) {
      Access.load(8, window << 30)
    }
    verdict.probe("jump to physical address 1 <<", shift, allowed: [.instructionAbort, .undefined]) {
      guest_probe_call(window << 30, 0)
    }
  }
  machine.setLowerBlock(window, saved)
  guest_tlb_invalidate()
}

/// One load in every 64 KiB of the GiB where the devices are.
private func sweepLowMemory(_ verdict: inout Verdict) {
  var tally = Tally()
  for address in stride(from: 0, to: 0x4000_0000 as UInt64, by: 0x1_0000) {
    tally.count(verdict.probeSilently("load", address, allowed: .deviceAccess) { Access.load(4, address) })
  }
  tally.say("loads in every 64 KiB of the first GiB")
}
