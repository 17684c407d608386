import Kernel
import TestSupport
import Testing
import Virtualization

private typealias RAM = GuestMemory<SparseMemory>

private let kibibyte: UInt64 = 1 << 10
private let mebibyte: UInt64 = 1 << 20
private let gibibyte: UInt64 = 1 << 30

private func range(_ base: UInt64, _ byteCount: UInt64) throws -> GuestPhysicalRange {
  try #require(GuestPhysicalRange(base: GuestPhysicalAddress(base), byteCount: byteCount))
}

extension GuestMemory {
  fileprivate borrowing func blockOrders() -> [UInt64] {
    var sizes: [UInt64] = []
    forEachBlock { sizes.append($0.byteCount) }
    return sizes
  }

  fileprivate borrowing func bytes(at address: UInt64, count: Int) throws(GuestMemoryError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xcc, count: count)
    var elements = bytes.mutableSpan
    var span = elements.mutableBytes
    try read(GuestPhysicalAddress(address), into: &span)
    return bytes
  }

  fileprivate borrowing func write(_ bytes: [UInt8], at address: UInt64) throws(GuestMemoryError) {
    try write(bytes.span.bytes, at: GuestPhysicalAddress(address))
  }

  fileprivate borrowing func load32(_ address: UInt64) throws(GuestMemoryError) -> UInt32 {
    try load(UInt32.self, at: GuestPhysicalAddress(address))
  }
}

/// A machine with 5 MiB of RAM whose free memory is in blocks of 4, 8, … KiB, so that a guest's RAM has many parts.
private func makeFragmentedFrames() -> TestFrames { makeFrames(5 * mebibyte) }

@Suite struct GuestMemoryTests {
  // MARK: - Blocks

  @Test func aGuestOf1GiBGetsOneBlockAndOneLeaf() throws {
    let frames = makeFrames(4 * gibibyte)
    let memory = try RAM([range(gibibyte, gibibyte)], from: frames)
    #expect(memory.blockOrders() == [gibibyte])
    var table = try FakeTable(FakeFormat(), from: frames)
    try memory.map(into: &table, maintenance: NotInstalled())
    var levels: [UInt64] = []
    table.forEachLeaf { levels.append($0.level) }
    #expect(levels == [2])
  }

  @Test func blocksAreAlignedToTheirSizeOnBothSides() throws {
    let memory = try RAM([range(gibibyte + 12 * kibibyte, 35 * mebibyte)], from: makeFrames(64 * mebibyte))
    var misalignedCount = 0
    var total: UInt64 = 0
    memory.forEachBlock {
      total += $0.byteCount
      misalignedCount += $0.guestBase.isAligned(to: $0.byteCount) && $0.hostBase.isAligned(to: $0.byteCount) ? 0 : 1
    }
    #expect(misalignedCount == 0)
    #expect(total == 35 * mebibyte)
    #expect(memory.byteCount == 35 * mebibyte)
  }

  @Test func allOfTheMachinesFragmentsServeAsOneRange() throws {
    let frames = makeFragmentedFrames()
    let free = frames.freeByteCount / 4096 * 4096 - 2 * 4096
    let memory = try RAM([range(gibibyte, free)], from: frames)
    #expect(memory.blockOrders().count > 4)
    #expect(memory.byteCount == free)
  }

  @Test func everyLeafLeadsToTheBlockBehindIt() throws {
    let frames = makeFrames(64 * mebibyte)
    let memory = try RAM([range(0, 640 * kibibyte), range(mebibyte, 31 * mebibyte)], from: frames)
    try memory.write([1, 2, 3], at: 5 * mebibyte + 1)
    var table = try FakeTable(FakeFormat(), from: frames)
    try memory.map(into: &table, maintenance: NotInstalled())
    let address = GuestPhysicalAddress(5 * mebibyte + 1)
    let found = table.translate(address)
    let host = try #require(found?.output(of: address))
    #expect(SparseMemory.pointer(to: host).load(as: UInt8.self) == 1)
    let hole = table.translate(GuestPhysicalAddress(700 * kibibyte))
    #expect(hole == nil)
  }

  @Test func aMapThatFailsLeavesNothingBehind() throws {
    let frames = makeFrames(64 * mebibyte)
    let memory = try RAM([range(gibibyte, 8 * mebibyte + 4 * kibibyte)], from: frames)
    var table = try FakeTable(FakeFormat(), from: frames)
    try table.map(
      GuestPhysicalAddress(gibibyte + 8 * mebibyte), to: HostPhysicalAddress(0), byteCount: 4096,
      as: PageAttributes(.all), maintenance: NotInstalled())
    let allocated = frames.allocatedByteCount
    #expect(throws: PageTableError.alreadyMapped) { try memory.map(into: &table, maintenance: NotInstalled()) }
    var count = 0
    table.forEachLeaf { _ in count += 1 }
    #expect(count == 1)
    #expect(frames.allocatedByteCount == allocated)
  }

  // MARK: - Refusals

  @Test func rangesThatCannotBeAreRefusedAndCostNothing() throws {
    let frames = makeFrames(64 * mebibyte)
    let free = frames.freeByteCount
    let cases: [([GuestPhysicalRange], GuestMemoryError)] = [
      ([try range(gibibyte + 1, 4096)], .misaligned), ([try range(gibibyte, 5000)], .misaligned),
      ([try range(gibibyte, mebibyte), try range(gibibyte + 512 * kibibyte, mebibyte)], .overlap),
      ([try range(gibibyte, mebibyte), try range(0, mebibyte)], .overlap),
      ([try range(gibibyte, 65 * mebibyte)], .outOfFrames),
      ([try range(gibibyte, 16 * mebibyte), try range(2 * gibibyte, 60 * mebibyte)], .outOfFrames),
    ]
    for (ranges, error) in cases {
      #expect(throws: error) { _ = try RAM(ranges, from: frames) }
      #expect(frames.freeByteCount == free)
    }
  }

  // MARK: - Giving back

  @Test func everyFrameComesBackAndIsZero() throws {
    let frames = makeFrames(16 * mebibyte)
    let free = frames.freeByteCount
    var memory = try RAM([range(gibibyte, 12 * mebibyte)], from: frames)
    try memory.fill(GuestPhysicalAddress(gibibyte), byteCount: Int(12 * mebibyte), with: 0x5a)
    var preemptionPointCount = 0
    memory.giveBack { preemptionPointCount += 1 }
    #expect(preemptionPointCount >= 6)
    #expect(frames.freeByteCount == free)
    #expect(memory.byteCount == 0)
    let next = try RAM([range(gibibyte, 15 * mebibyte)], from: frames)
    #expect(try next.bytes(at: gibibyte, count: Int(15 * mebibyte)).allSatisfy { $0 == 0 })
  }

  @Test func clearingKeepsTheMemoryAndZeroesItInBoundedPieces() throws {
    let memory = try RAM([range(gibibyte, 8 * mebibyte)], from: makeFrames(64 * mebibyte))
    try memory.fill(GuestPhysicalAddress(gibibyte), byteCount: Int(8 * mebibyte), with: 0x5a)
    var zeroAtPoint: [Int] = []
    memory.clear {
      let bytes = (try? memory.bytes(at: gibibyte, count: Int(8 * mebibyte))) ?? []
      zeroAtPoint.append(bytes.count { $0 == 0 } / Int(mebibyte))
    }
    #expect(zeroAtPoint == [2, 4, 6, 8])
  }

  // MARK: - Access

  @Test func aCopyCrossesBlocksInBothDirections() throws {
    let memory = try RAM([range(gibibyte, 4 * mebibyte)], from: makeFragmentedFrames())
    #expect(memory.blockOrders().count > 1)
    var generator = SeededGenerator(seed: 9)
    let bytes = (0..<Int(4 * mebibyte - 3)).map { _ in UInt8.random(in: 0...255, using: &generator) }
    try memory.write(bytes, at: gibibyte + 3)
    #expect(try memory.bytes(at: gibibyte + 3, count: bytes.count) == bytes)
    #expect(try memory.bytes(at: gibibyte, count: 3) == [0, 0, 0])
  }

  @Test func integersAreLittleEndianAtAnyAlignmentAndAcrossBlocks() throws {
    let memory = try RAM([range(gibibyte, 4 * mebibyte)], from: makeFragmentedFrames())
    let first = try #require(memory.blockOrders().first)
    for address in [gibibyte, gibibyte + 1, gibibyte + first - 1, gibibyte + first - 2] {
      try memory.write([0x78, 0x56, 0x34, 0x12], at: address)
      #expect(try memory.load32(address) == 0x1234_5678)
      try memory.store(0xa1b2_c3d4 as UInt32, at: GuestPhysicalAddress(address))
      #expect(try memory.bytes(at: address, count: 4) == [0xd4, 0xc3, 0xb2, 0xa1])
    }
  }

  @Test func aRangeThatGoesOnWithoutAHoleIsOneForACopy() throws {
    let ranges = [try range(gibibyte, 4096), try range(gibibyte + 4096, 4096), try range(gibibyte + 16384, 4096)]
    let memory = try RAM(ranges, from: makeFrames(mebibyte))
    try memory.write([UInt8](repeating: 7, count: 8192), at: gibibyte)
    #expect(try memory.bytes(at: gibibyte + 4090, count: 12).allSatisfy { $0 == 7 })
    #expect(throws: GuestMemoryError.outOfRange) { try memory.bytes(at: gibibyte + 8190, count: 4) }
  }

  @Test(
    arguments: [
      (gibibyte - 1, 1), (gibibyte - 1, 2), (gibibyte + mebibyte, 1), (gibibyte + mebibyte - 1, 2), (0, 8),
      (gibibyte, Int(mebibyte) + 1), (.max, 1), (.max - 3, 8), (gibibyte, .max), (.max, .max),
    ] as [(UInt64, Int)])
  func anAccessThatLeavesRAMFailsAndTouchesNothing(address: UInt64, byteCount: Int) throws {
    let memory = try RAM([range(gibibyte, mebibyte)], from: makeFrames(16 * mebibyte))
    try memory.fill(GuestPhysicalAddress(gibibyte), byteCount: Int(mebibyte), with: 0x11)
    let isRAM = memory.contains(GuestPhysicalAddress(address), byteCount: byteCount)
    #expect(!isRAM)
    #expect(throws: GuestMemoryError.outOfRange) {
      try memory.fill(GuestPhysicalAddress(address), byteCount: byteCount, with: 0x22)
    }
    let bytes = [UInt8](repeating: 0x22, count: min(byteCount, Int(mebibyte) + 1))
    #expect(throws: GuestMemoryError.outOfRange) { try memory.write(bytes, at: address) }
    #expect(throws: GuestMemoryError.outOfRange) { try memory.bytes(at: address, count: bytes.count) }
    #expect(try memory.bytes(at: gibibyte, count: Int(mebibyte)).allSatisfy { $0 == 0x11 })
  }

  @Test func integersBeyondTheEndAreRefused() throws {
    let memory = try RAM([range(gibibyte, mebibyte)], from: makeFrames(16 * mebibyte))
    #expect(throws: GuestMemoryError.outOfRange) { try memory.load32(gibibyte + mebibyte - 3) }
    #expect(throws: GuestMemoryError.outOfRange) { try memory.load32(.max - 1) }
    #expect(throws: GuestMemoryError.outOfRange) {
      try memory.store(1 as UInt64, at: GuestPhysicalAddress(gibibyte + mebibyte - 7))
    }
    #expect(try memory.load32(gibibyte + mebibyte - 4) == 0)
  }

  @Test func anEmptyAccessIsAlwaysFine() throws {
    let memory = try RAM([range(gibibyte, mebibyte)], from: makeFrames(16 * mebibyte))
    try memory.write([], at: gibibyte)
    try memory.write([], at: .max)
    #expect(try memory.bytes(at: 5, count: 0).isEmpty)
  }
}
