import Dispatch
import Kernel
import Synchronization
import TestSupport
import Testing

private typealias Allocator = FrameAllocator<SparseMemory>

private let kibibyte: UInt64 = 1 << 10
private let mebibyte: UInt64 = 1 << 20
private let gibibyte: UInt64 = 1 << 30

private func order(_ rawValue: Int) throws -> FrameOrder { try #require(FrameOrder(rawValue: UInt8(rawValue))) }

/// Takes all there is, largest blocks first, and gives it back.
private func drain(_ allocator: Allocator) -> [(base: HostPhysicalAddress, order: FrameOrder)] {
  var blocks: [(base: HostPhysicalAddress, order: FrameOrder)] = []
  while let block = allocator.allocateLargest(atMost: .huge) { blocks.append(block) }
  for block in blocks { allocator.free(block.base, block.order, holding: .zeros) }
  return blocks
}

@Suite struct FrameAllocatorTests {
  @Test(arguments: [512 * mebibyte, gibibyte, 4 * gibibyte, 64 * gibibyte])
  func setUpTouchesAFewFramesWhateverTheSizeOfRAM(byteCount: UInt64) throws {
    let base = SparseMemory.makeWindow(count: 8) + gibibyte
    let allocator = try #require(Allocator(HostPhysicalRange(base, byteCount)))
    #expect(allocator.freeByteCount > byteCount - 64 * kibibyte)
    #expect(SparseMemory.touchedByteCount(from: base, byteCount: byteCount) <= 32 * 4096)
  }

  @Test func aGibibyteBlockIsAlignedAndUntouched() throws {
    let base = SparseMemory.makeWindow()
    let allocator = try #require(Allocator(HostPhysicalRange(base, 4 * gibibyte)))
    let block = try #require(allocator.allocate(.huge))
    #expect(block.isAligned(to: gibibyte))
    #expect(SparseMemory.touchedByteCount(from: block.rawValue, byteCount: gibibyte) <= 4096)
  }

  @Test func everyOrderIsAlignedToItsSizeAndCountedExactly() throws {
    let allocator = try #require(Allocator(HostPhysicalRange(SparseMemory.makeWindow() + 12 * kibibyte, 5 * gibibyte)))
    let atStart = allocator.freeByteCount
    var sum: UInt64 = 0
    var blocks: [(HostPhysicalAddress, FrameOrder)] = []
    for rawValue in 0...18 {
      let order = try order(rawValue)
      let block = try #require(allocator.allocate(order))
      #expect(block.isAligned(to: order.byteCount))
      sum += order.byteCount
      #expect(allocator.allocatedByteCount == sum)
      blocks.append((block, order))
    }
    for (block, order) in blocks { allocator.free(block, order, holding: .zeros) }
    #expect(allocator.freeByteCount == atStart)
    #expect(allocator.allocatedByteCount == 0)
  }

  @Test func allFramesOfARangeCanBeTakenAndGivenBackInAnyOrder() throws {
    let allocator = try #require(Allocator(HostPhysicalRange(SparseMemory.makeWindow() + 8 * kibibyte, 7 * mebibyte)))
    let atStart = allocator.freeByteCount
    let blocksAtStart = drain(allocator).map(\.order)
    var frames: [HostPhysicalAddress] = []
    while let frame = allocator.allocate(.frame) { frames.append(frame) }
    #expect(allocator.freeByteCount == 0)
    // Two whole regions each keep one frame for their table.
    #expect(UInt64(frames.count) * 4096 == atStart - 2 * 4096)
    var generator = SeededGenerator(seed: 1)
    for frame in frames.shuffled(using: &generator) { allocator.free(frame, .frame, holding: .zeros) }
    #expect(allocator.freeByteCount == atStart)
    #expect(drain(allocator).map(\.order) == blocksAtStart)
  }

  @Test func rangesAreUsedWhereverTheyLie() throws {
    let window = SparseMemory.makeWindow()
    let allocator = try #require(Allocator(HostPhysicalRange(window + gibibyte + 4 * kibibyte, 40 * kibibyte)))
    let first = allocator.freeByteCount
    allocator.add(HostPhysicalRange(window + 3 * gibibyte - 2 * mebibyte, 3 * gibibyte + 4 * mebibyte))
    #expect(allocator.freeByteCount == first + 3 * gibibyte + 4 * mebibyte - 4 * kibibyte)
    #expect(drain(allocator).filter { $0.order == .huge }.count == 3)
  }

  @Test func aRangeTooSmallForItsBookkeepingIsLeftOut() throws {
    let window = SparseMemory.makeWindow()
    #expect(Allocator(HostPhysicalRange(window + 100, 4096)) == nil)
    let allocator = try #require(Allocator(HostPhysicalRange(window, 2 * 4096)))
    #expect(allocator.freeByteCount == 4096)
    allocator.add(HostPhysicalRange(window + gibibyte + 1, 8 * kibibyte))
    #expect(allocator.freeByteCount == 4096)
  }

  @Test func theLargestBlockIsFoundWhenTheWantedSizeIsGone() throws {
    let allocator = try #require(Allocator(HostPhysicalRange(SparseMemory.makeWindow(), 8 * mebibyte)))
    let block = try #require(allocator.allocateLargest(atMost: .huge))
    #expect(block.order.byteCount == 4 * mebibyte)
    #expect(allocator.allocateLargest(atMost: .frame)?.order == .frame)
    #expect(allocator.allocate(.huge) == nil)
  }

  @Test func ownedFramesComeBackWithTheirOwner() throws {
    let allocator = try #require(Allocator(HostPhysicalRange(SparseMemory.makeWindow(), 8 * mebibyte)))
    let atStart = allocator.freeByteCount
    do {
      let frames = Frames(.large, from: allocator)
      #expect(allocator.freeByteCount == atStart - 2 * mebibyte)
      #expect(frames?.byteCount == 2 * mebibyte)
    }
    #expect(allocator.freeByteCount == atStart)
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func randomUseNeverGivesOneByteTwiceAndLosesNone(seed: UInt64) throws {
    let window = SparseMemory.makeWindow()
    let ranges = [
      HostPhysicalRange(window + gibibyte + 0x5000, 2 * gibibyte + 0x7_3000),
      HostPhysicalRange(window + 4 * gibibyte, 3 * mebibyte),
      HostPhysicalRange(window + 4 * gibibyte + 5 * mebibyte, 700 * mebibyte),
    ]
    let allocator = try #require(Allocator(ranges[0]))
    for range in ranges.dropFirst() { allocator.add(range) }
    let atStart = allocator.freeByteCount
    let blocksAtStart = drain(allocator).map(\.order)

    var generator = SeededGenerator(seed: seed)
    var live: [UInt64: FrameOrder] = [:]
    var bases: [UInt64] = []
    for _ in 0..<10_000 {
      if UInt64.random(in: 0..<100, using: &generator) < 45, !bases.isEmpty {
        bases.swapAt(bases.indices.randomElement(using: &generator) ?? 0, bases.count - 1)
        let base = bases.removeLast()
        let order = live.removeValue(forKey: base)
        allocator.free(HostPhysicalAddress(base), try #require(order), holding: .zeros)
        continue
      }
      let order = try order(
        min(18, Int.random(in: 0...19, using: &generator) * Int.random(in: 0...1, using: &generator)))
      guard let block = allocator.allocate(order) else { continue }
      live[block.rawValue] = order
      bases.append(block.rawValue)
    }

    let sorted = live.sorted { $0.key < $1.key }
    #expect(zip(sorted, sorted.dropFirst()).allSatisfy { $0.key + $0.value.byteCount <= $1.key })
    #expect(
      sorted.allSatisfy { base, order in
        base % order.byteCount == 0 && ranges.contains { $0.contains(HostPhysicalRange(base, order.byteCount)) }
      })
    #expect(allocator.allocatedByteCount == sorted.reduce(0) { $0 + $1.value.byteCount })
    for (base, order) in sorted { allocator.free(HostPhysicalAddress(base), order, holding: .zeros) }
    #expect(allocator.freeByteCount == atStart)
    #expect(drain(allocator).map(\.order) == blocksAtStart)
  }

  @Test func nobodySeesWhatAnotherLeftOrTheAllocatorWrote() throws {
    let allocator = try #require(Allocator(HostPhysicalRange(SparseMemory.makeWindow(), 32 * mebibyte)))
    var generator = SeededGenerator(seed: 5)
    var live: [(HostPhysicalAddress, FrameOrder)] = []
    for _ in 0..<2_000 {
      if Int.random(in: 0..<100, using: &generator) < 49, !live.isEmpty {
        live.swapAt(live.indices.randomElement(using: &generator) ?? 0, live.count - 1)
        let (base, order) = live.removeLast()
        allocator.free(base, order)
        continue
      }
      let order = try order(Int.random(in: 0...9, using: &generator) * Int.random(in: 0...1, using: &generator))
      guard let block = allocator.allocate(order) else { continue }
      let bytes = UnsafeMutableRawBufferPointer(
        start: SparseMemory.pointer(to: block), count: Int(min(order.byteCount, 32 * kibibyte)))
      #expect(bytes.bindMemory(to: UInt64.self).allSatisfy { $0 == 0 })
      bytes.initializeMemory(as: UInt8.self, repeating: 0xee)
      live.append((block, order))
    }
  }

  @Test func fourThreadsNeverGetTheSameBlock() throws {
    let allocator = try #require(Allocator(HostPhysicalRange(SparseMemory.makeWindow(), 64 * mebibyte)))
    let atStart = allocator.freeByteCount
    let mistakes = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 4) { thread in
      var generator = SeededGenerator(seed: UInt64(thread))
      for _ in 0..<3_000 {
        guard let order = FrameOrder(rawValue: UInt8.random(in: 0...9, using: &generator)),
          let block = allocator.allocate(order)
        else { continue }
        let word = SparseMemory.pointer(to: block).assumingMemoryBound(to: Int.self)
        word.pointee = thread
        mistakes.wrappingAdd(word.pointee == thread ? 0 : 1, ordering: .relaxed)
        word.pointee = 0
        allocator.free(block, order, holding: .zeros)
      }
    }
    #expect(mistakes.load(ordering: .relaxed) == 0)
    #expect(allocator.freeByteCount == atStart)
  }

  // MARK: - Our own mistakes

  @Test func aSecondFreeTraps() async {
    await #expect(processExitsWith: .failure) {
      let allocator = Allocator(HostPhysicalRange(gibibyte, 8 * mebibyte))
      let block = allocator?.allocate(.frame) ?? HostPhysicalAddress(0)
      allocator?.free(block, .frame)
      allocator?.free(block, .frame)
    }
  }

  @Test func aFreeWithAnotherSizeTraps() async {
    await #expect(processExitsWith: .failure) {
      let allocator = Allocator(HostPhysicalRange(gibibyte, 8 * mebibyte))
      let block = allocator?.allocate(.large) ?? HostPhysicalAddress(0)
      allocator?.free(block, .frame)
    }
  }

  @Test func freeingMemoryOfSomebodyElseTraps() async {
    await #expect(processExitsWith: .failure) {
      let allocator = Allocator(HostPhysicalRange(gibibyte, 8 * mebibyte))
      allocator?.free(HostPhysicalAddress(64 * mebibyte), .frame)
    }
  }

  @Test func freeingAGibibyteThatWasNeverTakenTraps() async {
    await #expect(processExitsWith: .failure) {
      let allocator = Allocator(HostPhysicalRange(gibibyte, 4 * gibibyte))
      allocator?.free(HostPhysicalAddress(3 * gibibyte), .huge)
    }
  }
}

@Suite struct FrameOrderTests {
  @Test(arguments: [(0, 0), (1, 0), (4096, 0), (4097, 1), (8192, 1), (8193, 2), (2 << 20, 9), (1 << 30, 18)])
  func theSmallestOrderThatHoldsAByteCount(byteCount: UInt64, expected: UInt8) {
    #expect(FrameOrder(holding: byteCount)?.rawValue == expected)
  }

  @Test func nothingHoldsMoreThanAGibibyte() {
    #expect(FrameOrder(holding: 1 << 30 + 1) == nil)
    #expect(FrameOrder(holding: .max) == nil)
    #expect(FrameOrder(rawValue: 19) == nil)
  }

  @Test(
    arguments: [
      (4096, 0, 0), (8191, 0, 0), (UInt64.max, 0, 18), (2 << 20, 0x20_1000, 0), (3 << 20, 0x40_0000, 9),
    ] as [(UInt64, UInt64, UInt8)])
  func theLargestOrderThatFitsAtAnAddress(byteCount: UInt64, address: UInt64, expected: UInt8) {
    #expect(FrameOrder(fitting: byteCount, alignedAs: address)?.rawValue == expected)
  }

  @Test func nothingFitsBelowAFrameOrAtAMisalignedAddress() {
    #expect(FrameOrder(fitting: 4095, alignedAs: 0) == nil)
    #expect(FrameOrder(fitting: 4096, alignedAs: 0x800) == nil)
  }
}
