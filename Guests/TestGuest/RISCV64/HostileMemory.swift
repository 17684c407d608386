import CGuestRISCV64
import DeviceTree
import GuestKit

extension RISCV64Machine {
  /// A leaf of 1 GiB of the identity map.
  static func leaf(_ physical: UInt64) -> UInt64 { (physical >> 30) << 28 | 0xCF }
}

/// `hostile-jump`: execution where no memory is.
func runHostileJump(_ verdict: inout Verdict) {
  let end = machine.endOfMemory
  let places: [(StaticString, UInt64)] = [
    ("jump behind RAM", end + 0x1000), ("jump to the UART", machine.platform.uart.address),
    ("jump to the PLIC", machine.platform.plic.address), ("jump to half an instruction behind RAM", end + 2),
    ("jump to nowhere", machine.nestedFaultAddress),
  ]
  for (name, address) in places {
    verdict.probe(name, address, allowed: .fetch) { guest_probe_call(address, 0) }
  }
  for address in [1 << 38, 1 << 52, 0xFFFF_FFE0_0000_0000] as [UInt64] {
    verdict.probe("jump outside the address space", address, allowed: [.instructionPageFault, .instructionAccessFault])
    {
      guest_probe_call(address, 0)
    }
  }
  // The last word of RAM is a NOP: the next fetch leaves RAM. Then the first half of one: its second half is not there,
  // which is too much for QEMU 7.2 where behind RAM is no page table's fault but the bus's.
  let last = MMIO(base: end - 4)
  let saved = last.read32(0)
  last.write32(0, 0x0000_0013)
  guest_fence_i()
  verdict.probe("run across the end of RAM", end - 4, allowed: .fetch) { guest_probe_call(end - 4, 0) }
  if machine.isUnderApus {
    last.write32(0, 0x0013_0001)
    guest_fence_i()
    verdict.probe("an instruction across the end of RAM", end - 2, allowed: .fetch) { guest_probe_call(end - 4, 0) }
  }
  last.write32(0, saved)
}

/// `hostile-memory`: loads and stores where neither RAM nor a device is, and across the end of RAM.
func runHostileMemory(_ verdict: inout Verdict) {
  let end = machine.endOfMemory
  let nowhere: [UInt64] = [
    0x0000_0000, 0x0200_0000, 0x0400_0000, machine.platform.uart.address + 0x80_0000, 0x7FFF_FFF8, end, end + 0xFFF8,
    end + 0x1000_0000, machine.nestedFaultAddress,
  ]
  for address in nowhere {
    for width in Access.widths {
      verdict.probe(Access.loadName(width), address, allowed: .deviceAccess) { Access.load(width, address) }
      verdict.probe(Access.storeName(width), address, allowed: .deviceAccess) { Access.store(width, address, 0) }
    }
  }
  for width in Access.widths.dropFirst() {
    verdict.probe("load across the end of RAM, bytes", width, allowed: [.accessFault, .misaligned]) {
      Access.load(width, end - width / 2)
    }
    verdict.probe("store across the end of RAM, bytes", width, allowed: [.accessFault, .misaligned]) {
      Access.store(width, end - width / 2, 0)
    }
  }
  probeFarAddresses(&verdict)
  sweepLowMemory(&verdict)
}

/// Physical addresses that only a wide table entry can name.
private func probeFarAddresses(_ verdict: inout Verdict) {
  let window: UInt64 = 200
  let saved = machine.identityBlock(window)
  for shift in [36, 38, 39, 40, 41, 42, 47, 48, 52, 55] as [UInt64] {
    machine.setIdentityBlock(window, RISCV64Machine.leaf(1 << shift))
    guest_sfence_vma()
    verdict.probe("load of physical address 1 <<", shift, allowed: [.value, .accessFault, .pageFault]) {
      Access.load(8, window << 30)
    }
    verdict.probe(
      "jump to physical address 1 <<", shift,
      allowed: [.instructionAccessFault, .instructionPageFault, .illegalInstruction]
    ) {
      guest_probe_call(window << 30, 0)
    }
  }
  machine.setIdentityBlock(window, saved)
  guest_sfence_vma()
}

/// One load in every 64 KiB of the GiB where the devices are.
private func sweepLowMemory(_ verdict: inout Verdict) {
  var tally = Tally()
  for address in stride(from: 0, to: 0x4000_0000 as UInt64, by: 0x1_0000) {
    tally.count(verdict.probeSilently("load", address, allowed: .deviceAccess) { Access.load(4, address) })
  }
  tally.say("loads in every 64 KiB of the first GiB")
}
