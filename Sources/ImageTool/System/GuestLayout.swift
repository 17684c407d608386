import Manifest
import Virtualization

/// Finds places in a VM's memory.
struct GuestLayout {
  let memory: [GuestPhysicalRange]
  private var taken: [GuestPhysicalRange] = []

  init(memory: [GuestPhysicalRange]) { self.memory = memory }

  /// Keeps a range for what lies there by the configuration's own words, whether that is right or not.
  mutating func take(_ range: GuestPhysicalRange?) {
    if let range { taken.append(range) }
  }

  /// The lowest free place at or above `lowest` of `byteCount` bytes, `offset` bytes above a multiple of `alignment`,
  /// and takes it.
  mutating func place(
    byteCount: UInt64, alignment: UInt64, offset: UInt64 = 0, from lowest: UInt64 = 0
  ) -> GuestPhysicalAddress? {
    let starts =
      (memory.map(\.base.rawValue) + taken.compactMap { $0.last.advanced(by: 1)?.rawValue }).map { max($0, lowest) }
    let candidates = starts.compactMap { start -> GuestPhysicalRange? in
      // The first address at or above `start` that has the wanted offset.
      let below = start &- offset
      let (aligned, overflow) = (start >= offset ? below : 0).addingReportingOverflow(alignment - 1)
      guard !overflow else { return nil }
      return GuestPhysicalAddress(aligned & ~(alignment - 1)).advanced(by: offset)
        .flatMap { GuestPhysicalRange(base: $0, byteCount: byteCount) }
    }
    let free = candidates.filter { range in
      memory.contains { $0.contains(range) } && !taken.contains { $0.overlaps(range) }
    }
    guard let lowest = free.min(by: { $0.base < $1.base }) else { return nil }
    taken.append(lowest)
    return lowest.base
  }
}
