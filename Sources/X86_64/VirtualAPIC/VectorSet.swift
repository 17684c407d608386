/// A set of interrupt vectors, 0 to 255.
struct VectorSet: Equatable {
  private var w0: UInt64 = 0
  private var w1: UInt64 = 0
  private var w2: UInt64 = 0
  private var w3: UInt64 = 0

  init() {}

  /// 64 vectors from `64 · index` on.
  @inline(__always) subscript(word index: Int) -> UInt64 {
    get {
      switch index & 3 {
      case 0: w0
      case 1: w1
      case 2: w2
      default: w3
      }
    }
    set {
      switch index & 3 {
      case 0: w0 = newValue
      case 1: w1 = newValue
      case 2: w2 = newValue
      default: w3 = newValue
      }
    }
  }

  @inline(__always) func contains(_ vector: UInt8) -> Bool {
    self[word: Int(vector >> 6)] & (1 &<< UInt64(vector & 63)) != 0
  }

  @inline(__always) mutating func insert(_ vector: UInt8) { self[word: Int(vector >> 6)] |= 1 &<< UInt64(vector & 63) }
  @inline(__always) mutating func remove(_ vector: UInt8) {
    self[word: Int(vector >> 6)] &= ~(1 &<< UInt64(vector & 63))
  }

  /// The highest vector, which has the highest priority; nil where the set is empty.
  @inline(__always) var highest: UInt8? {
    if w3 != 0 { return 255 &- UInt8(truncatingIfNeeded: w3.leadingZeroBitCount) }
    if w2 != 0 { return 191 &- UInt8(truncatingIfNeeded: w2.leadingZeroBitCount) }
    if w1 != 0 { return 127 &- UInt8(truncatingIfNeeded: w1.leadingZeroBitCount) }
    if w0 != 0 { return 63 &- UInt8(truncatingIfNeeded: w0.leadingZeroBitCount) }
    return nil
  }

  /// One of the eight registers of 32 bits in which an APIC shows a set.
  func register(_ index: UInt32) -> UInt32 {
    UInt32(truncatingIfNeeded: self[word: Int(index >> 1)] &>> UInt64((index & 1) &* 32))
  }
}
