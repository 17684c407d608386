import Kernel
import Virtualization

/// A guest's own paging, as far as finding the bytes of its instructions needs it (AMD APM 2, chapter 5). Walks are bounded by
/// the number of levels; what the guest's tables say is only ever used as a guest-physical address.
struct GuestPaging {
  let cr0: UInt64
  let cr3: UInt64
  let cr4: UInt64
  let efer: UInt64

  private static let address: UInt64 = 0xf_ffff_ffff_f000
  private static let present: UInt64 = 1 << 0
  private static let large: UInt64 = 1 << 7

  /// Where a linear address leads; nil where it leads nowhere, or the tables are not in RAM.
  func translate<Memory: PhysicalMemory>(
    _ linear: UInt64, in memory: borrowing GuestMemory<Memory>
  ) -> GuestPhysicalAddress? {
    if cr0 & CR0.pg.rawValue == 0 { return GuestPhysicalAddress(linear & 0xffff_ffff) }
    if cr4 & CR4.pae.rawValue == 0 { return translateWithSmallEntries(linear & 0xffff_ffff, in: memory) }
    if efer & MSR.eferLMA != 0 {
      let level: UInt64 = cr4 & CR4.la57.rawValue != 0 ? 4 : 3
      return walk(linear, from: cr3 & Self.address, level: level, in: memory)
    }
    // Legacy PAE: four entries at a multiple of 32, which have no permissions.
    let linear = linear & 0xffff_ffff
    guard let entry = load(UInt64.self, (cr3 & 0xffff_ffe0) &+ (linear >> 30) &* 8, memory), entry & Self.present != 0
    else { return nil }
    return walk(linear, from: entry & Self.address, level: 1, in: memory)
  }

  /// Entries of 64 bits; `level` counts from the pages.
  private func walk<Memory: PhysicalMemory>(
    _ linear: UInt64, from root: UInt64, level: UInt64, in memory: borrowing GuestMemory<Memory>
  ) -> GuestPhysicalAddress? {
    var table = root
    var level = level
    while true {
      let shift = 12 &+ 9 &* level
      guard let entry = load(UInt64.self, table &+ ((linear >> shift) & 511) &* 8, memory), entry & Self.present != 0
      else { return nil }
      if level == 0 || (entry & Self.large != 0 && level <= 2) {
        let inside = (UInt64(1) << shift) &- 1
        return GuestPhysicalAddress((entry & Self.address & ~inside) | (linear & inside))
      }
      table = entry & Self.address
      level &-= 1
    }
  }

  /// Two levels of entries of 32 bits (5.2.2).
  private func translateWithSmallEntries<Memory: PhysicalMemory>(
    _ linear: UInt64, in memory: borrowing GuestMemory<Memory>
  ) -> GuestPhysicalAddress? {
    guard let directory = load(UInt32.self, (cr3 & 0xffff_f000) &+ (linear >> 22) &* 4, memory),
      directory & Self.present != 0
    else { return nil }
    if directory & Self.large != 0, cr4 & CR4.pse.rawValue != 0 {
      let upper = (directory >> 13 & 0xff) << 32
      return GuestPhysicalAddress(upper | (directory & 0xffc0_0000) | (linear & 0x3f_ffff))
    }
    guard let entry = load(UInt32.self, (directory & 0xffff_f000) &+ (linear >> 12 & 1023) &* 4, memory),
      entry & Self.present != 0
    else { return nil }
    return GuestPhysicalAddress((entry & 0xffff_f000) | (linear & 0xfff))
  }

  private func load<Value: FixedWidthInteger & BitwiseCopyable, Memory: PhysicalMemory>(
    _ type: Value.Type, _ address: UInt64, _ memory: borrowing GuestMemory<Memory>
  ) -> UInt64? {
    do throws(GuestMemoryError) {
      return UInt64(truncatingIfNeeded: try memory.load(type, at: GuestPhysicalAddress(address)))
    } catch { return nil }
  }
}
