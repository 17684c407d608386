/// One range of RAM in the frame allocator, and where its bookkeeping lies.
///
///     base                                                            end
///     | record | first, last 2 MiB | table per GiB |  free blocks …    |
///       512 B     2 × 512 B          512 B each      from `firstFree`
///
/// The tables are cleared when they are first needed: those of the first and the last GiB at once, those of the others
/// when the GiB is first taken. The 4 KiB frames of a 2 MiB region are described in that region's own first frame, which
/// is taken when the region is divided and free again when all its other frames are. Only the two regions at the ends of
/// the range, whose first frame may be missing, have their tables in the header.
struct FrameRange {
  static let frameByteCount: UInt64 = 1 << 12
  static let regionShift: UInt64 = 21
  static let gigabyteShift: UInt64 = 30

  let base: UInt64
  let end: UInt64
  /// The first byte behind the bookkeeping.
  let firstFree: UInt64
  /// The gigabytes (addresses shifted right by 30) from here to `untouchedEnd` are free, whole, and on no list; their
  /// tables are not initialised.
  var untouched: UInt64
  let untouchedEnd: UInt64
  /// Address of the next range's record; `UInt64.max` at the end.
  var next: UInt64 = .max

  /// Nil where the range cannot hold its bookkeeping and one frame more.
  init?(_ range: HostPhysicalRange) {
    let mask = Self.frameByteCount &- 1
    let (sum, overflow) = range.base.rawValue.addingReportingOverflow(mask)
    guard !overflow else { return nil }
    let base = sum & ~mask
    // The last frame of the address space is left out, so `end` does not wrap.
    let end = (min(range.last.rawValue, ~mask &- 1) &+ 1) & ~mask
    guard base < end else { return nil }
    let gigabyteCount = (end &- 1) >> Self.gigabyteShift &- base >> Self.gigabyteShift &+ 1
    let headerByteCount = ((3 &+ gigabyteCount) &* BlockTable.byteCount &+ mask) & ~mask
    guard headerByteCount < end &- base else { return nil }
    self.base = base
    self.end = end
    firstFree = base &+ headerByteCount
    let firstWhole = (firstFree &+ (1 << Self.gigabyteShift &- 1)) >> Self.gigabyteShift
    untouched = firstWhole
    untouchedEnd = max(firstWhole, end >> Self.gigabyteShift)
  }

  /// The first address of the 2 MiB region of `address`.
  static func regionStart(of address: UInt64) -> UInt64 { address & ~(1 << regionShift &- 1) }

  /// Whether the 2 MiB region of `address` lies wholly in the free part, so that its first frame can hold its table.
  func isWholeRegion(_ address: UInt64) -> Bool {
    let start = Self.regionStart(of: address)
    return start >= firstFree && end &- start >= 1 << Self.regionShift
  }

  /// Where the table of the 2 MiB units of the gigabyte of `address` lies.
  func gigabyteTable(of address: UInt64) -> HostPhysicalAddress {
    let index = address >> Self.gigabyteShift &- base >> Self.gigabyteShift
    return HostPhysicalAddress(base &+ (3 &+ index) &* BlockTable.byteCount)
  }

  /// Where the table of the frames of the 2 MiB region of `address` lies.
  func regionTable(of address: UInt64) -> HostPhysicalAddress {
    if isWholeRegion(address) { return HostPhysicalAddress(Self.regionStart(of: address)) }
    let slot: UInt64 = address >> Self.regionShift == firstFree >> Self.regionShift ? 1 : 2
    return HostPhysicalAddress(base &+ slot &* BlockTable.byteCount)
  }

  /// Whether the gigabyte of `address` has never been taken, so that its table says nothing.
  func isUntouched(_ address: UInt64) -> Bool {
    let gigabyte = address >> Self.gigabyteShift
    return gigabyte >= untouched && gigabyte < untouchedEnd
  }
}
