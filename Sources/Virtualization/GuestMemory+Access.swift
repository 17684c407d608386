import Kernel

/// How the hypervisor reads and writes guest memory: by checked, bounded copies.
///
/// The steps of an access are those of a binary search, and one for each block that it touches. On an error nothing was
/// copied.
extension GuestMemory {
  /// Whether a range is RAM, all of it.
  public borrowing func contains(_ address: GuestPhysicalAddress, byteCount: Int) -> Bool {
    guard byteCount > 0 else { return byteCount == 0 }
    guard let range = GuestPhysicalRange(base: address, byteCount: UInt64(byteCount)),
      var index = blockIndex(of: address)
    else { return false }
    let span = blocks.span
    while span[index].range.last < range.last {
      let next = GuestPhysicalAddress(span[index].range.last.rawValue &+ 1)
      index &+= 1
      guard index < span.count, span[index].guestBase == next else { return false }
    }
    return true
  }

  /// Copies guest memory into `bytes`.
  public borrowing func read(
    _ address: GuestPhysicalAddress, into bytes: inout MutableRawSpan
  ) throws(GuestMemoryError) {
    // SAFETY: the buffer is used within the closure and within its bounds only.
    let done = unsafe bytes.withUnsafeMutableBytes { unsafe copy(address, into: $0) }
    guard done else { throw .outOfRange }
  }

  /// Copies `bytes` into guest memory.
  public borrowing func write(_ bytes: RawSpan, at address: GuestPhysicalAddress) throws(GuestMemoryError) {
    // SAFETY: the buffer is used within the closure and within its bounds only.
    let done = unsafe bytes.withUnsafeBytes { unsafe copy($0, to: address) }
    guard done else { throw .outOfRange }
  }

  /// Fills guest memory with a value.
  public borrowing func fill(
    _ address: GuestPhysicalAddress, byteCount: Int, with value: UInt8 = 0
  ) throws(GuestMemoryError) {
    // SAFETY: each piece is guest memory of that many bytes.
    let done = unsafe forEachPiece(of: address, byteCount: byteCount) { memory, _, byteCount in
      // SAFETY: as above.
      unsafe memory.initializeMemory(as: UInt8.self, repeating: value, count: byteCount)
    }
    guard done else { throw .outOfRange }
  }

  /// A little-endian integer in guest memory, at any alignment.
  public borrowing func load<Value: FixedWidthInteger & BitwiseCopyable>(
    _ type: Value.Type, at address: GuestPhysicalAddress
  ) throws(GuestMemoryError) -> Value {
    // SAFETY: the pointer is to as many bytes of guest memory as a `Value` has, and every pattern is a value.
    if let memory = unsafe pointer(to: address, byteCount: MemoryLayout<Value>.size) {
      // SAFETY: as above.
      return Value(littleEndian: unsafe memory.loadUnaligned(as: Value.self))
    }
    var value: Value = 0
    // SAFETY: the buffer is the bytes of `value`, and used within the closure only.
    let done = unsafe withUnsafeMutableBytes(of: &value) { unsafe copy(address, into: $0) }
    guard done else { throw .outOfRange }
    return Value(littleEndian: value)
  }

  /// Writes a little-endian integer to guest memory, at any alignment.
  public borrowing func store<Value: FixedWidthInteger & BitwiseCopyable>(
    _ value: Value, at address: GuestPhysicalAddress
  ) throws(GuestMemoryError) {
    let value = value.littleEndian
    // SAFETY: the pointer is to as many bytes of guest memory as a `Value` has.
    if let memory = unsafe pointer(to: address, byteCount: MemoryLayout<Value>.size) {
      // SAFETY: as above.
      unsafe memory.storeBytes(of: value, as: Value.self)
      return
    }
    // SAFETY: the buffer is the bytes of `value`, and used within the closure only.
    let done = unsafe withUnsafeBytes(of: value) { unsafe copy($0, to: address) }
    guard done else { throw .outOfRange }
  }

  // MARK: - Copies

  @unsafe private borrowing func copy(
    _ address: GuestPhysicalAddress, into bytes: UnsafeMutableRawBufferPointer
  ) -> Bool {
    // SAFETY: the body writes the buffer only where `forEachPiece` says, which is inside.
    unsafe forEachPiece(of: address, byteCount: bytes.count) { memory, offset, byteCount in
      // SAFETY: the piece is guest memory of `byteCount` bytes, and so many are left of the buffer at `offset`.
      unsafe bytes.baseAddress?.advanced(by: offset).copyMemory(from: memory, byteCount: byteCount)
    }
  }

  @unsafe private borrowing func copy(_ bytes: UnsafeRawBufferPointer, to address: GuestPhysicalAddress) -> Bool {
    // SAFETY: the body reads the buffer only where `forEachPiece` says, which is inside.
    unsafe forEachPiece(of: address, byteCount: bytes.count) { memory, offset, byteCount in
      // SAFETY: so many bytes are left of the buffer at `offset`.
      guard let source = unsafe bytes.baseAddress?.advanced(by: offset) else { return }
      // SAFETY: the piece is guest memory of `byteCount` bytes.
      unsafe memory.copyMemory(from: source, byteCount: byteCount)
    }
  }

  // MARK: - Blocks

  /// Calls `body` with the host memory of each piece of the range, its offset in the range and its size.
  ///
  /// False, and no call, where part of the range is not RAM.
  @unsafe private borrowing func forEachPiece(
    of address: GuestPhysicalAddress, byteCount: Int, _ body: (UnsafeMutableRawPointer, Int, Int) -> Void
  ) -> Bool {
    guard contains(address, byteCount: byteCount) else { return false }
    guard byteCount > 0, var index = blockIndex(of: address) else { return true }
    let span = blocks.span
    var offset = 0
    var start = address.rawValue &- span[index].guestBase.rawValue
    while offset < byteCount {
      let block = span[index]
      let size = min(Int(block.byteCount &- start), byteCount &- offset)
      // SAFETY: `start` lies in the block, which belongs to the guest memory, and `size` bytes are left of it from there.
      unsafe body(Memory.pointer(to: block.hostBase) + Int(start), offset, size)
      offset &+= size
      start = 0
      index &+= 1
    }
    return true
  }

  /// Where a range lies that is not parted by the end of a block.
  @unsafe private borrowing func pointer(
    to address: GuestPhysicalAddress, byteCount: Int
  ) -> UnsafeMutableRawPointer? {
    guard let index = blockIndex(of: address) else { return nil }
    let block = blocks.span[index]
    let start = address.rawValue &- block.guestBase.rawValue
    guard byteCount >= 0, UInt64(byteCount) <= block.byteCount &- start else { return nil }
    // SAFETY: the block belongs to the guest memory, and `byteCount` bytes are left of it from `start`.
    return unsafe Memory.pointer(to: block.hostBase) + Int(start)
  }

  /// The block in which `address` lies.
  private borrowing func blockIndex(of address: GuestPhysicalAddress) -> Int? {
    let span = blocks.span
    // The number of blocks that begin at `address` or below: the last of these is the one, if any is.
    var lower = 0
    var upper = span.count
    while lower < upper {
      let middle = (lower &+ upper) &>> 1
      if span[middle].guestBase <= address { lower = middle &+ 1 } else { upper = middle }
    }
    guard lower > 0 else { return nil }
    let block = span[lower &- 1]
    return address.rawValue &- block.guestBase.rawValue < block.byteCount ? lower &- 1 : nil
  }
}

extension GuestMemory {
  /// The byte at an address; nil where no RAM is.
  public borrowing func byte(at address: GuestPhysicalAddress) -> UInt8? { try? load(UInt8.self, at: address) }
}
