/// RAM less what is in use at boot: up to 64 ranges in place, because there is no heap yet.
public struct FreeMemory {
  private var bases = InlineArray<64, UInt64>(repeating: 0)
  private var ends = InlineArray<64, UInt64>(repeating: 0)
  private var count = 0

  public init() {}

  public mutating func add(_ range: HostPhysicalRange) { append(range.base.rawValue, range.last.rawValue) }

  /// `last` is the last byte's address. More ranges than there is room for are left unused.
  private mutating func append(_ base: UInt64, _ last: UInt64) {
    // Whole frames only.
    let first = (base &+ 4095) & ~4095
    guard count < 64, first >= base, last >= first, last - first >= 4095 else { return }
    bases[count] = first
    ends[count] = first &+ ((last - first + 1) & ~4095) &- 1
    count += 1
  }

  /// Takes out what is in use, whole frames of it.
  public mutating func remove(_ range: HostPhysicalRange) {
    let base = range.base.rawValue & ~4095
    let last = range.last.rawValue | 4095
    var index = 0
    let existing = count
    while index < existing {
      let start = bases[index]
      let end = ends[index]
      if base <= end && start <= last && end >= start {
        // An emptied slot stays, with its end below its base.
        bases[index] = 1
        ends[index] = 0
        if base > start { append(start, base - 1) }
        if last < end { append(last + 1, end) }
      }
      index += 1
    }
  }

  /// Each range that is left.
  public mutating func forEach(_ body: (HostPhysicalRange) -> Void) {
    for index in 0..<count where ends[index] > bases[index] {
      if let range = HostPhysicalRange(
        base: HostPhysicalAddress(bases[index]), byteCount: ends[index] - bases[index] + 1)
      {
        body(range)
      }
    }
  }
}
