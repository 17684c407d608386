/// What is known of the 512 units that make up a region: for each unit, whether a block begins there, how large it is
/// and whether it is free.
///
/// The same table serves for the 2 MiB units of 1 GiB and for the 4 KiB units of 2 MiB. It is 512 bytes.
@safe struct BlockTable {
  static let unitCount: UInt64 = 512
  static let byteCount: UInt64 = 512

  private let marks: UnsafeMutablePointer<Mark>

  /// - Parameter address: Where the table lies: `byteCount` bytes that belong to the frame allocator.
  @unsafe init<Memory: PhysicalMemory>(at address: HostPhysicalAddress, in memory: Memory.Type) {
    // SAFETY: the caller owns the bytes; `Mark` is one byte, so alignment does not matter.
    unsafe marks = Memory.pointer(to: address).assumingMemoryBound(to: Mark.self)
  }

  /// One byte for a unit.
  struct Mark: Equatable {
    let rawValue: UInt8

    /// No block begins here: the unit lies inside a block, is not RAM of this range, or holds bookkeeping.
    static let none = Mark(rawValue: 0)
    /// The unit is divided and has a table of its own.
    static let divided = Mark(rawValue: 0xc0)
    /// A free block of `1 << shift` units begins here.
    static func free(_ shift: UInt8) -> Mark { Mark(rawValue: 0x80 | shift) }
    /// A block of `1 << shift` units that somebody owns begins here.
    static func allocated(_ shift: UInt8) -> Mark { Mark(rawValue: 0x40 | shift) }
  }

  /// The mark of `unit`, which counts modulo the table's size.
  subscript(unit: UInt64) -> Mark {
    get {
      // SAFETY: the index is below 512, and the table has 512 bytes.
      unsafe marks[Int(unit & (Self.unitCount &- 1))]
    }
    nonmutating set {
      // SAFETY: the index is below 512, and the table has 512 bytes.
      unsafe marks[Int(unit & (Self.unitCount &- 1))] = newValue
    }
  }

  /// Makes every mark `none`. A table holds anything at all before.
  func clear() {
    // SAFETY: the table has 512 bytes, and every byte pattern is a `Mark`.
    unsafe marks.initialize(repeating: .none, count: Int(Self.unitCount))
  }
}
