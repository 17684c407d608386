import CGuestAArch64
import DeviceTree

/// The interrupt controller (Arm GIC architecture, IHI 0069, chapter 12), non-secure group 1, affinity routing.
struct GICv3: Sendable {
  static let virtualTimer: UInt32 = 27
  static let physicalTimer: UInt32 = 30
  static let firstSpecial: UInt32 = 1020
  private static let redistributorStride: UInt64 = 0x20000
  private static let sgiFrame: UInt64 = 0x10000

  let distributor: MMIO
  let redistributors: [DeviceTreeRegister]

  // MARK: Set-up

  /// Once: affinity routing and group 1 on.
  func prepareDistributor() {
    distributor.write32(0x000, 0)
    waitForWrites()
    distributor.write32(0x000, 1 << 4)
    distributor.write32(0x000, 1 << 4 | 1 << 1)
    waitForWrites()
  }

  /// Every CPU for itself: its redistributor awake, SGIs and the virtual timer on, CPU interface on.
  /// - Returns: whether a redistributor names this CPU.
  func prepareCPU(affinity: UInt64) -> Bool {
    guard let redistributor = redistributor(of: affinity) else { return false }
    redistributor.write32(0x014, redistributor.read32(0x014) & ~(1 << 1))
    while redistributor.read32(0x014) & 1 << 2 != 0 { guest_yield() }
    let private32 = MMIO(base: redistributor.base + Self.sgiFrame)
    private32.write32(0x080, 0xFFFF_FFFF)
    private32.write32(0x100, 0xFFFF | 1 << Self.virtualTimer)
    guest_write_icc_sre(guest_read_icc_sre() | 1)
    guest_write_icc_pmr(0xFF)
    guest_write_icc_bpr1(0)
    guest_write_icc_igrpen1(1)
    return true
  }

  /// A shared interrupt, level, on, to one CPU.
  func enableShared(_ interrupt: UInt32, to affinity: UInt64) {
    let word = UInt64(interrupt / 32) * 4
    distributor.write32(0x080 + word, distributor.read32(0x080 + word) | 1 << (interrupt % 32))
    distributor.write64(0x6000 + UInt64(interrupt) * 8, affinity)
    distributor.write32(0x100 + word, 1 << (interrupt % 32))
  }

  /// The frames of the CPU with these affinity fields of MPIDR_EL1.
  func redistributor(of affinity: UInt64) -> MMIO? {
    let wanted = affinity & 0xFF_FFFF | (affinity >> 32) << 24
    for region in redistributors {
      var offset: UInt64 = 0
      while offset + Self.redistributorStride <= region.byteCount {
        let frames = MMIO(base: region.address + offset)
        let type = frames.read64(0x008)
        if type >> 32 == wanted { return frames }
        if type & 1 << 4 != 0 { break }
        offset += Self.redistributorStride
      }
    }
    return nil
  }

  private func waitForWrites() {
    while distributor.read32(0x000) & 1 << 31 != 0 { guest_yield() }
  }

  // MARK: CPU interface

  /// Interrupt 0 to 15 to the one CPU with this affinity.
  static func sendSGI(_ interrupt: UInt64, to affinity: UInt64) {
    guest_dsb()
    guest_write_icc_sgi1r(sgiValue(interrupt, to: affinity))
  }

  /// What ICC_SGI1R_EL1 is written with to do that (IHI 0069, 12.2.20).
  static func sgiValue(_ interrupt: UInt64, to affinity: UInt64) -> UInt64 {
    let level0 = affinity & 0xFF
    let target = (affinity >> 32 & 0xFF) << 48 | (affinity >> 16 & 0xFF) << 32 | (affinity >> 8 & 0xFF) << 16
    return target | (level0 >> 4) << 44 | interrupt << 24 | 1 << (level0 & 0xF)
  }
}
