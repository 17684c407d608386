import DeviceTree

extension RISCV64Machine {
  /// One word in 64 bytes of all RAM but the image, the device tree and what the firmware keeps.
  func testMemory() -> (byteCount: UInt64, wrongWordCount: UInt64) {
    var byteCount: UInt64 = 0
    var wrong: UInt64 = 0
    forEachFreeRange { start, end in
      byteCount += end - start
      for address in stride(from: start, to: end, by: 64) { MMIO(base: address).write64(0, Self.pattern(address)) }
      // The last word must be there too.
      MMIO(base: end - 8).write64(0, Self.pattern(end - 8))
    }
    forEachFreeRange { start, end in
      for address in stride(from: start, to: end, by: 64)
      where MMIO(base: address).read64(0) != Self.pattern(address) { wrong += 1 }
      if MMIO(base: end - 8).read64(0) != Self.pattern(end - 8) { wrong += 1 }
    }
    return (byteCount, wrong)
  }

  private static func pattern(_ address: UInt64) -> UInt64 { address &* 0x9E37_79B9_7F4A_7C15 }

  /// Every range of RAM that nobody uses, in multiples of 64 bytes.
  private func forEachFreeRange(_ body: (UInt64, UInt64) -> Void) {
    for range in platform.memory {
      let end = range.address + range.byteCount
      var start = range.address
      while start < end {
        // The used range that begins first behind `start`, or holds it.
        var next = DeviceTreeRegister(address: end, byteCount: 0)
        for other in platform.used
        where other.address + other.byteCount > start && other.address < next.address { next = other }
        if next.address > start { body(start, next.address & ~63) }
        start = max(start, (next.address + next.byteCount + 63) & ~63)
        if next.byteCount == 0 { break }
      }
    }
  }
}
