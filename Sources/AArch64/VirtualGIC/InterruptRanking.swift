/// The interrupts that get a list register when there are more than list registers.
///
/// Active ones come first, so that the guest's end of interrupt finds them; then pending ones by priority, those of
/// a group that the guest's CPU interface has off last. But the best pending one always gets in: it must reach the
/// guest whatever else is going on.
struct InterruptRanking {
  enum Rank: UInt32 {
    case active = 0
    case pending = 1
    case muted = 2  // pending in a group that the guest's CPU interface has off
  }

  /// Rank [31:24], priority [23:16], interrupt [15:0]; sorted.
  private var keys = InlineArray<16, UInt32>(repeating: 0)
  private(set) var count = 0
  private let capacity: Int
  private var bestPending = UInt32.max

  /// Ranks of which one found no room.
  struct LeftOut: OptionSet {
    let rawValue: UInt32
    static let active = Self(rawValue: 1 << 0)
    static let pending = Self(rawValue: 1 << 1)
    static let muted = Self(rawValue: 1 << 2)
  }

  private(set) var leftOut: LeftOut = []

  /// `capacity` is the number of list registers, 1…16.
  init(capacity: Int) { self.capacity = capacity }

  mutating func add(_ interrupt: Int, _ rank: Rank, priority: UInt32) {
    let key = rank.rawValue &<< 24 | priority &<< 16 | UInt32(truncatingIfNeeded: interrupt)
    if rank == .pending { bestPending = min(bestPending, key) }
    if count == capacity {
      guard key < keys[capacity &- 1] else { return leaveOut(key) }
      leaveOut(keys[capacity &- 1])
      count &-= 1
    }
    var place = count
    while place > 0, keys[place &- 1] > key {
      keys[place] = keys[place &- 1]
      place &-= 1
    }
    keys[place] = key
    count &+= 1
  }

  /// Makes room for the best pending one. After the last `add`.
  mutating func finish() {
    guard count == capacity, bestPending != .max, keys[capacity &- 1] < bestPending else { return }
    leaveOut(keys[capacity &- 1])
    keys[capacity &- 1] = bestPending
  }

  /// The interrupt at `place`, below `count`.
  mutating func interrupt(at place: Int) -> Int { Int(keys[place] & 0xffff) }

  private mutating func leaveOut(_ key: UInt32) {
    leftOut.insert(LeftOut(rawValue: 1 &<< (key &>> 24)))
  }
}
