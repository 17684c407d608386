import Kernel

/// How many bits a physical address has (AMD APM 3, CPUID Fn8000_0008 EAX[7:0]).
struct PhysicalAddressRange: Equatable, Sendable {
  let bitCount: UInt64

  /// - Parameter features: EAX of CPUID Fn8000_0008. Nil for a size that no processor has.
  init?(features: UInt32) {
    let count = UInt64(features & 0xff)
    guard count >= 32, count <= 52 else { return nil }
    bitCount = count
  }
}
