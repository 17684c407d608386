import CGuestAArch64
import DeviceTree

extension AArch64Machine {
  /// One word in 64 bytes of all RAM but the image and the device tree.
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

  /// Every range of RAM without the image and the tree, in multiples of 64 bytes.
  private func forEachFreeRange(_ body: (UInt64, UInt64) -> Void) {
    let image = (guest_load_address(), physicalAddress(ofVirtual: UInt(guest_end_address())))
    let tree = (platform.tree.address, platform.tree.address + platform.tree.byteCount)
    let (first, second) = image.0 < tree.0 ? (image, tree) : (tree, image)
    for range in platform.memory {
      let end = range.address + range.byteCount
      var start = range.address
      for used in [first, second] where used.1 > start && used.0 < end {
        if used.0 > start { body(start, used.0 & ~63) }
        start = (used.1 + 63) & ~63
      }
      if start < end { body(start, end) }
    }
  }
}
