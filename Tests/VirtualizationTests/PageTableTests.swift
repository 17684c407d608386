import Kernel
import TestSupport
import Testing
import Virtualization

private let kibibyte: UInt64 = 1 << 10
private let mebibyte: UInt64 = 1 << 20
private let gibibyte: UInt64 = 1 << 30

private let ram = PageAttributes(.all)

extension PageTable where Format.Input == GuestPhysicalAddress {
  fileprivate mutating func map(_ input: UInt64, to output: UInt64, _ byteCount: UInt64) throws(PageTableError) {
    try map(
      GuestPhysicalAddress(input), to: HostPhysicalAddress(output), byteCount: byteCount, as: ram,
      maintenance: NotInstalled())
  }

  fileprivate mutating func unmap(_ input: UInt64, _ byteCount: UInt64) throws(PageTableError) {
    try unmap(GuestPhysicalAddress(input), byteCount: byteCount, maintenance: NotInstalled())
  }

  fileprivate borrowing func leaves() -> [Translation<GuestPhysicalAddress>] {
    var leaves: [Translation<GuestPhysicalAddress>] = []
    forEachLeaf { leaves.append($0) }
    return leaves
  }
}

@Suite struct PageTableTests {
  @Test func aNewTableMapsNothing() throws {
    let table = try FakeTable(FakeFormat(), from: makeFrames())
    let translation = table.translate(GuestPhysicalAddress(0))
    #expect(translation == nil)
    #expect(table.leaves().isEmpty)
  }

  @Test func theLargestLeavesAreUsedThatBothAddressesPermit() throws {
    var table = try FakeTable(FakeFormat(), from: makeFrames())
    // 4 KiB, 2 MiB, 1 GiB, 2 MiB, 4 KiB.
    let start = gibibyte - 2 * mebibyte - 4 * kibibyte
    try table.map(start, to: start + 8 * gibibyte, gibibyte + 4 * mebibyte + 8 * kibibyte)
    #expect(table.leaves().map(\.level) == [0, 1, 2, 1, 0])
  }

  @Test func addressesThatDifferBelow2MiBGetPages() throws {
    var table = try FakeTable(FakeFormat(), from: makeFrames())
    try table.map(gibibyte, to: gibibyte + 4 * kibibyte, 4 * mebibyte)
    #expect(table.leaves().count == 1024)
    #expect(table.leaves().allSatisfy { $0.level == 0 })
  }

  @Test func translationCoversAddressesInsideALeaf() throws {
    var table = try FakeTable(FakeFormat(), from: makeFrames())
    try table.map(gibibyte, to: 3 * gibibyte, gibibyte)
    let address = GuestPhysicalAddress(gibibyte + 0x1234_5678)
    let found = table.translate(address)
    let leaf = try #require(found)
    #expect(leaf.input == GuestPhysicalAddress(gibibyte))
    #expect(leaf.output(of: address) == HostPhysicalAddress(3 * gibibyte + 0x1234_5678))
    #expect(leaf.attributes == ram)
    let below = table.translate(GuestPhysicalAddress(gibibyte - 1))
    let above = table.translate(GuestPhysicalAddress(2 * gibibyte))
    #expect(below == nil)
    #expect(above == nil)
  }

  @Test func attributesComeBackAsTheyWereGiven() throws {
    var table = try FakeTable(FakeFormat(), from: makeFrames())
    let attributes = PageAttributes([.read, .write], .device)
    try table.map(
      GuestPhysicalAddress(0x0900_0000), to: HostPhysicalAddress(0x0900_0000), byteCount: 4096, as: attributes,
      maintenance: NotInstalled())
    #expect(table.leaves().map(\.attributes) == [attributes])
  }

  @Test func unmappingPartOfA1GiBLeafLeavesTheRestInPlace() throws {
    var table = try FakeTable(FakeFormat(), from: makeFrames())
    try table.map(gibibyte, to: 3 * gibibyte, gibibyte)
    try table.unmap(gibibyte + 6 * mebibyte + 8 * kibibyte, 4 * kibibyte)
    let leaves = table.leaves()
    #expect(leaves.reduce(0) { $0 + $1.byteCount } == gibibyte - 4 * kibibyte)
    #expect(leaves.allSatisfy { $0.output.rawValue - $0.input.rawValue == 2 * gibibyte })
    #expect(leaves.count == 511 + 511)
  }

  @Test func permissionsChangeInsideALeafAndNowhereElse() throws {
    var table = try FakeTable(FakeFormat(), from: makeFrames())
    try table.map(0, to: gibibyte, 4 * mebibyte)
    try table.protect(GuestPhysicalAddress(mebibyte), byteCount: 2 * mebibyte, .read, maintenance: NotInstalled())
    let readOnly = table.leaves().filter { $0.attributes.permissions == .read }
    #expect(readOnly.first?.input == GuestPhysicalAddress(mebibyte))
    #expect(readOnly.reduce(0) { $0 + $1.byteCount } == 2 * mebibyte)
    #expect(table.leaves().reduce(0) { $0 + $1.byteCount } == 4 * mebibyte)
  }

  @Test func aRangeCanBeMappedLargeAgainAfterItsPagesWereUnmapped() throws {
    var table = try FakeTable(FakeFormat(), from: makeFrames())
    try table.map(0, to: 4 * kibibyte, 2 * mebibyte)
    try table.unmap(0, mebibyte)
    try table.unmap(mebibyte, mebibyte)
    try table.map(0, to: 2 * mebibyte, 2 * mebibyte)
    #expect(table.leaves().map(\.level) == [1])
  }

  @Test func aRootOfSeveralTablesIsUsedToItsEnd() throws {
    // 41 bits from level 2, as Sv39x4 has them: a root of 16 KiB with 2048 entries.
    let order = try #require(FrameOrder(rawValue: 2))
    let format = FakeFormat(rootLevel: 2, rootOrder: order, inputBitCount: 41)
    var table = try FakeTable(format, from: makeFrames())
    #expect(table.root.isAligned(to: 16 * kibibyte))
    try table.map(2047 * gibibyte, to: gibibyte, gibibyte)
    #expect(table.leaves().map(\.input) == [GuestPhysicalAddress(2047 * gibibyte)])
    #expect(throws: PageTableError.outOfRange) {
      try table.map(2047 * gibibyte, to: gibibyte, 2 * gibibyte)
    }
  }

  // MARK: - Errors

  @Test(
    arguments: [
      (0x1001, 0, 4096, .misaligned), (0, 0x800, 4096, .misaligned), (0, 0, 100, .misaligned), (0, 0, 0, .misaligned),
      (1 << 48, 0, 4096, .outOfRange), (1 << 48 - 4096, 0, 8192, .outOfRange), (0, 1 << 44, 4096, .outOfRange),
      (0, 1 << 44 - 4096, 8192, .outOfRange), (0, .max - 4095, 8192, .outOfRange), (.max - 4095, 0, 8192, .outOfRange),
      (0x20_1000, 0, 4096, .alreadyMapped), (0x1f_f000, 0, 8192, .alreadyMapped), (0, 0, gibibyte, .alreadyMapped),
    ] as [(UInt64, UInt64, UInt64, PageTableError)])
  func aMapThatCannotBeIsRefusedAndChangesNothing(
    input: UInt64, output: UInt64, byteCount: UInt64, error: PageTableError
  ) throws {
    var table = try FakeTable(FakeFormat(), from: makeFrames())
    try table.map(2 * mebibyte, to: 2 * mebibyte, 2 * mebibyte)
    let before = table.leaves()
    #expect(throws: error) { try table.map(input, to: output, byteCount) }
    #expect(table.leaves() == before)
  }

  @Test func aMapThatRunsOutOfFramesIsTakenBack() throws {
    let frames = makeFrames(64 * kibibyte)
    var table = try FakeTable(FakeFormat(), from: frames)
    try table.map(0, to: 0, 4 * kibibyte)
    let before = (frames.freeByteCount, table.leaves())
    #expect(throws: PageTableError.outOfFrames) {
      try table.map(gibibyte, to: 4 * kibibyte, 64 * mebibyte)
    }
    #expect(frames.freeByteCount == before.0)
    #expect(table.leaves() == before.1)
  }

  @Test func aSplitThatRunsOutOfFramesChangesNoTranslation() throws {
    let frames = makeFrames(64 * kibibyte)
    var table = try FakeTable(FakeFormat(), from: frames)
    try table.map(0, to: 0, gibibyte)
    var taken: [HostPhysicalAddress] = []
    while frames.freeByteCount > 4096, let frame = frames.allocate(.frame) { taken.append(frame) }
    #expect(throws: PageTableError.outOfFrames) {
      try table.unmap(4 * kibibyte, 4 * kibibyte)
    }
    #expect(table.leaves().reduce(0) { $0 + $1.byteCount } == gibibyte)
    #expect(table.leaves().allSatisfy { $0.input.rawValue == $0.output.rawValue })
  }

  // MARK: - Frames

  @Test func aDestroyedTableGivesEveryFrameBack() throws {
    let frames = makeFrames()
    let before = frames.freeByteCount
    do {
      var table = try FakeTable(FakeFormat(), from: frames)
      try table.map(gibibyte, to: 4 * kibibyte, 64 * mebibyte)
      try table.map(512 * gibibyte, to: 0, gibibyte)
      try table.unmap(512 * gibibyte + 4 * kibibyte, 4 * kibibyte)
      #expect(frames.freeByteCount < before)
      table.destroy()
    }
    #expect(frames.freeByteCount == before)
  }

  @Test func tablesThatBecomeEmptyAreGivenBackByUnmap() throws {
    let frames = makeFrames()
    var table = try FakeTable(FakeFormat(), from: frames)
    let empty = frames.allocatedByteCount
    try table.map(gibibyte, to: 4 * kibibyte, 64 * mebibyte)
    try table.unmap(gibibyte, 64 * mebibyte)
    #expect(frames.allocatedByteCount == empty)
    #expect(table.leaves().isEmpty)
  }

  // MARK: - What hardware is told

  @Test func aMapIsPublishedOnceForItsRange() throws {
    let log = MaintenanceLog()
    var table = try FakeTable(FakeFormat(), from: makeFrames())
    try table.map(
      GuestPhysicalAddress(gibibyte), to: HostPhysicalAddress(0), byteCount: 6 * mebibyte, as: ram, maintenance: log)
    #expect(log.events == [.publish(gibibyte, 6 * mebibyte)])
  }

  @Test func tablesAreGivenBackOnlyAfterHardwareForgotThem() throws {
    let log = MaintenanceLog()
    let frames = makeFrames()
    var table = try FakeTable(FakeFormat(), from: frames)
    try table.map(0, to: 4 * kibibyte, 4 * mebibyte)
    let allocated = frames.allocatedByteCount
    var allocatedAtEvent: [UInt64] = []
    log.observe = { _ in allocatedAtEvent.append(frames.allocatedByteCount) }
    try table.unmap(GuestPhysicalAddress(0), byteCount: 4 * mebibyte, maintenance: log)
    #expect(log.events == [.invalidate(0, 4 * mebibyte)])
    #expect(allocatedAtEvent == [allocated])
    #expect(frames.allocatedByteCount < allocated)
  }

  @Test func aLeafIsBrokenForgottenAndOnlyThenReplacedByATable() throws {
    let log = MaintenanceLog()
    let format = FakeFormat(rootLevel: 1, inputBitCount: 30)
    var table = try FakeTable(format, from: makeFrames())
    try table.map(0, to: gibibyte, 2 * mebibyte)
    let root = SparseMemory.pointer(to: table.root).assumingMemoryBound(to: UInt64.self)
    var rootEntryIsZero: [Bool] = []
    log.observe = { _ in rootEntryIsZero.append(root.pointee == 0) }
    try table.unmap(GuestPhysicalAddress(4 * kibibyte), byteCount: 4 * kibibyte, maintenance: log)
    #expect(
      log.events == [
        .invalidate(0, 2 * mebibyte), .publish(0, 2 * mebibyte), .invalidate(4 * kibibyte, 4 * kibibyte),
      ])
    #expect(rootEntryIsZero == [true, false, false])
  }

  @Test func detachedTablesLookEmptyToHardwareThatStillWalksThem() throws {
    let log = MaintenanceLog()
    let format = FakeFormat(rootLevel: 1, inputBitCount: 30)
    var table = try FakeTable(format, from: makeFrames())
    try table.map(0, to: 4 * kibibyte, 4 * mebibyte)
    let root = SparseMemory.pointer(to: table.root).assumingMemoryBound(to: UInt64.self)
    var children: [UnsafeMutablePointer<UInt64>] = []
    for index in 0..<2 {
      guard case .table(let child) = format.entry(root[index], level: 1) else { continue }
      children.append(SparseMemory.pointer(to: child).assumingMemoryBound(to: UInt64.self))
    }
    #expect(children.count == 2)
    var presentEntryCount = 0
    log.observe = { _ in
      for child in children {
        presentEntryCount += (0..<512).count { format.entry(child[$0], level: 0) != .absent }
      }
    }
    try table.unmap(GuestPhysicalAddress(0), byteCount: 4 * mebibyte, maintenance: log)
    #expect(presentEntryCount == 0)
  }
}
