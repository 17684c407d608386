/// What a PLIC remembers, and what follows from it (RISC-V PLIC 1.0.0). Every function is bounded by the numbers of sources
/// and contexts; none allocates. Its lock is `VirtualPLIC`'s.
struct PLICState: ~Copyable {
  /// Sources are 1 to 127; a set of them is two words.
  static let wordCount = 2
  static let highestPriority: UInt8 = 7

  let contextCount: Int
  /// Levels of the inputs.
  private var asserted = InlineArray<2, UInt64>(repeating: 0)
  /// Gateways that have forwarded a request which is not completed yet: they forward no other (1.2, "Interrupt Gateways").
  private var busy = InlineArray<2, UInt64>(repeating: 0)
  /// Requests that no context has claimed; always busy.
  private var pending = InlineArray<2, UInt64>(repeating: 0)
  private var priorities = InlineArray<128, UInt8>(repeating: 0)
  /// The sources of each priority: words 2·p and 2·p + 1. So that the most urgent is found without a look at each.
  private var sources = InlineArray<16, UInt64>(repeating: 0)
  /// Bit p: some source has priority p. Priority 0 is no interrupt at all.
  private var usedPriorities: UInt32 = 0
  /// By context and word.
  private var enables = InlineArray<128, UInt64>(repeating: 0)
  private var thresholds = InlineArray<64, UInt8>(repeating: 0)

  /// - Parameter contextCount: 1 to 64.
  init(contextCount: Int) { self.contextCount = contextCount }

  // MARK: - Inputs

  /// Sets the level of a source's input. An input that falls takes no request back.
  /// - Returns: whether there is a new request.
  mutating func setLine(_ source: Int, isAsserted: Bool) -> Bool {
    let (word, bit) = Self.place(source)
    if isAsserted { asserted[word] |= bit } else { asserted[word] &= ~bit }
    return isAsserted && forward(word, bit)
  }

  /// The gateway's part: forwards a request if it may.
  private mutating func forward(_ word: Int, _ bit: UInt64) -> Bool {
    guard busy[word] & bit == 0 else { return false }
    busy[word] |= bit
    pending[word] |= bit
    return true
  }

  // MARK: - Registers

  mutating func priority(_ source: Int) -> UInt8 { priorities[source] }

  mutating func setPriority(_ source: Int, _ value: UInt8) {
    let (word, bit) = Self.place(source)
    let old = Int(priorities[source])
    sources[old &* 2 &+ word] &= ~bit
    priorities[source] = value & Self.highestPriority
    let new = Int(value & Self.highestPriority)
    sources[new &* 2 &+ word] |= bit
    if sources[old &* 2] | sources[old &* 2 &+ 1] == 0 { usedPriorities &= ~(1 &<< UInt32(truncatingIfNeeded: old)) }
    usedPriorities |= 1 &<< UInt32(truncatingIfNeeded: new)
  }

  mutating func pendingWord(_ word: Int) -> UInt64 { pending[word] }

  mutating func enableWord(_ word: Int, of context: Int) -> UInt64 { enables[context &* 2 &+ word] }

  mutating func setEnableWord(_ word: Int, of context: Int, _ value: UInt64) { enables[context &* 2 &+ word] = value }

  mutating func threshold(of context: Int) -> UInt8 { thresholds[context] }

  mutating func setThreshold(of context: Int, _ value: UInt8) { thresholds[context] = value & Self.highestPriority }

  // MARK: - Claiming

  /// Whether the context's interrupt is raised: a request that it enables is above its threshold (1.5).
  mutating func isSignalled(_ context: Int) -> Bool {
    bestSource(for: context, above: thresholds[context]) != 0
  }

  /// The most urgent request that the context enables, the lowest number of equals; 0 where there is none. The threshold
  /// does not count (1.6).
  mutating func claim(_ context: Int) -> Int {
    let source = bestSource(for: context, above: 0)
    if source != 0 {
      let (word, bit) = Self.place(source)
      pending[word] &= ~bit
    }
    return source
  }

  /// The source is served: its gateway is open again. Ignored for a source that the context does not enable (1.7), and for
  /// one that nobody has claimed.
  /// - Returns: whether its input is still asserted, which is a new request.
  mutating func complete(_ source: Int, by context: Int) -> Bool {
    let (word, bit) = Self.place(source)
    guard enables[context &* 2 &+ word] & bit != 0, busy[word] & ~pending[word] & bit != 0 else { return false }
    busy[word] &= ~bit
    return asserted[word] & bit != 0 && forward(word, bit)
  }

  private mutating func bestSource(for context: Int, above threshold: UInt8) -> Int {
    let low = pending[0] & enables[context &* 2]
    let high = pending[1] & enables[context &* 2 &+ 1]
    guard low | high != 0 else { return 0 }
    var rest = usedPriorities & (.max &<< (UInt32(threshold) &+ 1))
    while rest != 0 {
      let priority = 31 &- rest.leadingZeroBitCount
      let urgentLow = low & sources[priority &* 2]
      if urgentLow != 0 { return urgentLow.trailingZeroBitCount }
      let urgentHigh = high & sources[priority &* 2 &+ 1]
      if urgentHigh != 0 { return 64 &+ urgentHigh.trailingZeroBitCount }
      rest &= ~(1 &<< UInt32(truncatingIfNeeded: priority))
    }
    return 0
  }

  /// Where a source's bit is.
  private static func place(_ source: Int) -> (word: Int, bit: UInt64) {
    (source &>> 6 & 1, 1 &<< UInt64(truncatingIfNeeded: source & 63))
  }

  /// Power-on state. The inputs stay as their devices, which are reset first, have left them.
  mutating func reset() {
    for word in 0..<Self.wordCount {
      busy[word] = asserted[word]
      pending[word] = asserted[word]
    }
    for source in 0..<128 { priorities[source] = 0 }
    for word in 0..<16 { sources[word] = 0 }
    usedPriorities = 0
    for word in 0..<128 { enables[word] = 0 }
    for context in 0..<64 { thresholds[context] = 0 }
  }
}
