import DeviceTree

/// The platform-level interrupt controller (RISC-V PLIC specification, 1.0.0, "Memory Map").
struct PLIC: Sendable {
  static let priorities: UInt64 = 0x0000
  static let pending: UInt64 = 0x1000
  static let enables: UInt64 = 0x2000
  static let enableStride: UInt64 = 0x80
  static let contexts: UInt64 = 0x20_0000
  static let contextStride: UInt64 = 0x1000
  static let threshold: UInt64 = 0
  static let claim: UInt64 = 4

  let registers: MMIO

  /// Whatever was done to it: nothing enabled, nothing in service, no threshold.
  func clear(context: UInt64) {
    let enables = Self.enables + context * Self.enableStride
    for word in 0..<3 as Range<UInt64> { registers.write32(enables + word * 4, ~0) }
    for source in 1..<96 as Range<UInt32> { complete(source, in: context) }
    for word in 0..<3 as Range<UInt64> { registers.write32(enables + word * 4, 0) }
    registers.write32(Self.contexts + context * Self.contextStride + Self.threshold, 0)
  }

  func prepare(context: UInt64) {
    registers.write32(Self.contexts + context * Self.contextStride + Self.threshold, 0)
  }

  func enable(_ source: UInt32, in context: UInt64) {
    registers.write32(Self.priorities + UInt64(source) * 4, 1)
    let word = Self.enables + context * Self.enableStride + UInt64(source / 32) * 4
    registers.write32(word, registers.read32(word) | 1 << (source % 32))
  }

  /// The source to serve; 0 where there is none.
  func claim(in context: UInt64) -> UInt32 {
    registers.read32(Self.contexts + context * Self.contextStride + Self.claim)
  }

  func complete(_ source: UInt32, in context: UInt64) {
    registers.write32(Self.contexts + context * Self.contextStride + Self.claim, source)
  }
}
