/// The sizes in which the heap hands out parts of a frame. Each is a multiple of 16.
struct HeapSizeClass {
  let index: UInt8

  static let count: UInt8 = 14

  /// Bytes of one object of the class.
  var byteCount: Int {
    switch index {
    case 0: 16
    case 1: 32
    case 2: 48
    case 3: 64
    case 4: 96
    case 5: 128
    case 6: 192
    case 7: 256
    case 8: 384
    case 9: 512
    case 10: 768
    case 11: 1008
    case 12: 1344
    default: 2016
    }
  }

  /// The smallest class whose objects hold `byteCount` bytes and all begin at multiples of `alignment`; nil where the
  /// request needs frames of its own.
  init?(holding byteCount: Int, alignment: Int) {
    guard alignment <= HeapSlab.headerByteCount else { return nil }
    for index in 0..<Self.count {
      let candidate = HeapSizeClass(index: index)
      if candidate.byteCount >= byteCount && candidate.byteCount & (alignment &- 1) == 0 {
        self = candidate
        return
      }
    }
    return nil
  }

  init(index: UInt8) { self.index = index }
}

/// The first 64 bytes of a frame that the heap has divided into objects of one size, or of a run of frames for one object.
///
///     | header 32 B | one bit per object in use 32 B | objects … |
struct HeapSlab {
  static let headerByteCount = 64
  static let frameByteCount = 4096

  /// Where the frame lies, and with it how it is given back.
  let frame: HostPhysicalAddress
  /// Neighbours on the list of slabs with free objects of this class; `UInt64.max` at the ends.
  var next: UInt64 = .max
  var previous: UInt64 = .max
  /// Tells a header from other data; a wrong one means that something which the heap did not hand out was freed.
  let mark: UInt16
  let sizeClass: UInt8
  /// For an object with a run of its own: the order of the run.
  let order: UInt8
  var usedCount: UInt32 = 0

  static let slabMark: UInt16 = 0x51ab
  static let runMark: UInt16 = 0xb10c

  /// A frame to be divided.
  init(frame: HostPhysicalAddress, of sizeClass: HeapSizeClass) {
    self.frame = frame
    self.sizeClass = sizeClass.index
    mark = Self.slabMark
    order = 0
  }

  /// A run of frames for one object.
  init(run: HostPhysicalAddress, of order: FrameOrder) {
    frame = run
    sizeClass = 0
    mark = Self.runMark
    self.order = order.rawValue
    usedCount = 1
  }

  var objectByteCount: Int { HeapSizeClass(index: sizeClass).byteCount }
  var capacity: UInt32 { UInt32((Self.frameByteCount &- Self.headerByteCount) / objectByteCount) }
}

/// The objects of a slab, reached by the address of its frame.
@safe struct HeapSlabPointer {
  private let base: UnsafeMutableRawPointer

  /// - Parameter base: 64 bytes or more that belong to the heap: a frame, or the bytes before the object of a run.
  @unsafe init(_ base: UnsafeMutableRawPointer) {
    // SAFETY: nothing is read or written here; the caller vouches for the bytes.
    unsafe self.base = base
  }

  var header: HeapSlab {
    unsafeAddress {
      // SAFETY: `init`'s caller vouches for a frame or run whose first bytes are a header.
      unsafe UnsafePointer(base.assumingMemoryBound(to: HeapSlab.self))
    }
    nonmutating unsafeMutableAddress {
      // SAFETY: as above; the heap's lock keeps others out.
      unsafe base.assumingMemoryBound(to: HeapSlab.self)
    }
  }

  private var usedBits: UnsafeMutablePointer<UInt64> {
    // SAFETY: four words behind the header, which is 32 bytes long, are set apart for the bits.
    unsafe (base + 32).assumingMemoryBound(to: UInt64.self)
  }

  /// Makes an empty slab. The frame belongs to the heap and holds anything at all before.
  func initialize(to header: HeapSlab) {
    // SAFETY: the frame has 4096 bytes, and 64 of them are for the header and the bits.
    unsafe base.initializeMemory(as: HeapSlab.self, to: header)
    // SAFETY: as above.
    unsafe usedBits.initialize(repeating: 0, count: 4)
  }

  /// Takes the first free object; there is one.
  func takeObject() -> UnsafeMutableRawPointer {
    let index = firstFreeIndex()
    precondition(index < Int(header.capacity), "a slab on the list of its class is full")
    // SAFETY: the index is below the capacity, which is at most 252, so the word is one of the four.
    unsafe usedBits[index >> 6] |= 1 << UInt64(index & 63)
    header.usedCount &+= 1
    // SAFETY: the index is below the capacity, so the object lies inside the frame.
    return unsafe base + HeapSlab.headerByteCount + index * header.objectByteCount
  }

  private func firstFreeIndex() -> Int {
    for word in 0..<4 {
      // SAFETY: the word is one of the four.
      let free = unsafe ~usedBits[word]
      if free != 0 { return word << 6 + free.trailingZeroBitCount }
    }
    return 256
  }

  /// Gives back the object `offset` bytes above the frame's start; traps where none begins there or it is free.
  func putObject(at offset: Int) {
    let (index, rest) = (offset &- HeapSlab.headerByteCount).quotientAndRemainder(dividingBy: header.objectByteCount)
    precondition(offset >= HeapSlab.headerByteCount && rest == 0 && index < Int(header.capacity), "not a heap object")
    let bit: UInt64 = 1 << UInt64(index & 63)
    // SAFETY: the index was checked against the capacity, which is at most 252.
    let used = unsafe usedBits[index >> 6]
    precondition(used & bit != 0, "a heap object is freed twice")
    // SAFETY: as above.
    unsafe usedBits[index >> 6] = used & ~bit
    header.usedCount &-= 1
  }
}
