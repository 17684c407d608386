/// The harts that a call is for (RISC-V SBI 2.0, 3.1): bit n of the mask is hart `base` + n, or every hart.
///
/// A guest's harts have the numbers of its vCPUs.
struct HartMask: Equatable {
  let mask: UInt64
  let base: UInt64

  @inline(__always) init(_ mask: UInt64, base: UInt64) {
    self.mask = mask
    self.base = base
  }

  /// The vCPUs, as bits; nil where one of them, or the base, is none of this VM's.
  ///
  /// - Parameter vcpuCount: 1 to 64.
  @inline(__always) func targets(vcpuCount: Int) -> UInt64? {
    let all: UInt64 = .max &>> UInt64(truncatingIfNeeded: 64 &- vcpuCount)
    if base == .max { return all }
    guard base < UInt64(truncatingIfNeeded: vcpuCount) else { return nil }
    // No bit is lost: those that would be are beyond the last vCPU.
    guard mask & ~(all &>> base) == 0 else { return nil }
    return mask &<< base
  }
}

/// Virtual addresses that a fence is about (RISC-V SBI 2.0, chapter 8).
enum FenceRange: Equatable {
  case everything
  /// From a page's start; 1 to `pageLimit` pages of 4 KiB.
  case pages(start: UInt64, count: UInt64)

  /// Beyond that many pages one fence of everything is less work, and the work of one call stays bounded.
  static let pageLimit: UInt64 = 64

  /// A range that wraps is everything: that includes what was meant.
  init(start: UInt64, byteCount: UInt64) {
    let (end, wraps) = start.addingReportingOverflow(byteCount)
    let (roundedEnd, isTooHigh) = end.addingReportingOverflow(4095)
    let first = start & ~4095
    guard byteCount != 0, !wraps, !isTooHigh, (roundedEnd &- first) >> 12 <= Self.pageLimit else {
      self = .everything
      return
    }
    self = .pages(start: first, count: (roundedEnd &- first) >> 12)
  }
}
