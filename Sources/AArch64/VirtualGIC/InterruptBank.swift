import Synchronization

/// The state of 32 neighbouring interrupts: the SGIs and PPIs of one vCPU, or one register's worth of SPIs.
///
/// A view of words that the `VirtualGIC` owns. Any CPU may touch any word at any time, without a lock. Two rules
/// make that safe, and both need one total order, so every change and every `load` is sequentially consistent:
///
/// - Who changes what makes an interrupt deliverable changes it first, and then reads `listed` or `enabled` to
///   learn whom to tell. Who lists an interrupt sets `listed` first, and then reads what makes it deliverable. One
///   of the two always sees the other.
/// - Only the vCPU that set a `listed` bit clears it, and only while it is set do its list registers say more than
///   `active` and `latch` do.
@safe struct InterruptBank {
  private let words: UnsafeMutablePointer<Atomic<UInt32>>

  /// One bit an interrupt.
  enum Word: Int {
    case group = 0  // 1: group 1
    case enabled = 1
    case latch = 2  // pending by an edge, an SGI or a write of ISPENDR
    case line = 3  // the level of the input
    case edge = 4  // 1: edge-triggered, the level itself is not pending
    case active = 5  // acknowledged and not ended; as of the last time the holder took it back, while listed
    case listed = 6  // in a list register of its holder
    case dropPending = 7  // for the holder: what the list register has pending is void
    case dropActive = 8  // for the holder: what the list register has active is void
    case addActive = 9  // for the holder: make it active
  }

  /// Words a bank takes, priorities included: two cache lines.
  static let wordCount = 32

  private static let firstPriorityWord = 16

  /// `words` are `wordCount` initialised words that outlive the view.
  @unsafe @inline(__always) init(words: UnsafeMutablePointer<Atomic<UInt32>>) { unsafe self.words = words }

  @inline(__always) func load(_ word: Word) -> UInt32 {
    // SAFETY: a `Word` is below `wordCount`, and the owner of the words outlives the view.
    unsafe words[word.rawValue].load(ordering: .sequentiallyConsistent)
  }

  /// Reads without taking part in the total order: for words that only the caller's own CPU changes, and for the
  /// guest's reads.
  @inline(__always) func peek(_ word: Word) -> UInt32 {
    // SAFETY: a `Word` is below `wordCount`, and the owner of the words outlives the view.
    unsafe words[word.rawValue].load(ordering: .relaxed)
  }

  /// Sets `bits`; returns the word before.
  @discardableResult @inline(__always) func set(_ word: Word, _ bits: UInt32) -> UInt32 {
    // SAFETY: a `Word` is below `wordCount`, and the owner of the words outlives the view.
    unsafe words[word.rawValue].bitwiseOr(bits, ordering: .sequentiallyConsistent).oldValue
  }

  /// Clears `bits`; returns the word before.
  @discardableResult @inline(__always) func clear(_ word: Word, _ bits: UInt32) -> UInt32 {
    // SAFETY: a `Word` is below `wordCount`, and the owner of the words outlives the view.
    unsafe words[word.rawValue].bitwiseAnd(~bits, ordering: .sequentiallyConsistent).oldValue
  }

  /// Replaces the bits of `mask`; returns the word before.
  @discardableResult func replace(_ word: Word, _ mask: UInt32, by bits: UInt32) -> UInt32 {
    // SAFETY: a `Word` is below `wordCount`, and the owner of the words outlives the view.
    unsafe Self.replace(in: words + word.rawValue, mask, by: bits)
  }

  /// Puts back the state of power-on: level-triggered but for the interrupts in `edge`.
  func reset(edge: UInt32) {
    for index in 0..<Self.wordCount {
      // SAFETY: the index is below `wordCount`.
      unsafe words[index].store(index == Word.edge.rawValue ? edge : 0, ordering: .sequentiallyConsistent)
    }
  }

  // MARK: - Priorities

  /// Four priorities, that of interrupt 4 × `index` in the lowest byte. `index` is 0…7.
  @inline(__always) func priorities(_ index: Int) -> UInt32 {
    // SAFETY: the mask keeps the index within the bank's eight words of priorities.
    unsafe words[Self.firstPriorityWord &+ (index & 7)].load(ordering: .relaxed)
  }

  /// The priority of the interrupt with number `index` (0…31) in the bank.
  @inline(__always) func priority(_ index: Int) -> UInt32 {
    (priorities(index &>> 2) &>> (UInt32(truncatingIfNeeded: index & 3) &* 8)) & 0xff
  }

  /// Replaces the bits of `mask` in word `index` (0…7); returns the word before.
  func replacePriorities(_ index: Int, _ mask: UInt32, by bits: UInt32) -> UInt32 {
    // SAFETY: the mask keeps the index within the bank's eight words of priorities.
    unsafe Self.replace(in: words + (Self.firstPriorityWord &+ (index & 7)), mask, by: bits)
  }

  private static func replace(
    in word: UnsafeMutablePointer<Atomic<UInt32>>, _ mask: UInt32, by bits: UInt32
  ) -> UInt32 {
    // SAFETY: both callers pass a word of the bank.
    var old = unsafe word.pointee.load(ordering: .relaxed)
    while true {
      // Each failed turn means that another CPU got through.
      // SAFETY: as above.
      let (exchanged, original) = unsafe word.pointee.weakCompareExchange(
        expected: old, desired: (old & ~mask) | (bits & mask), ordering: .sequentiallyConsistent)
      if exchanged { return original }
      old = original
    }
  }
}
