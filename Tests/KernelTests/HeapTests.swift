import Dispatch
import Kernel
import TestSupport
import Testing

private let mebibyte: UInt64 = 1 << 20

private struct Machine {
  let frames: FrameAllocator<SparseMemory>
  let heap: Heap<SparseMemory>

  init(byteCount: UInt64 = 64 * mebibyte) throws {
    frames = try #require(FrameAllocator(HostPhysicalRange(SparseMemory.makeWindow(), byteCount)))
    heap = try #require(Heap(from: frames))
  }
}

private struct Object {
  let base: UnsafeMutableRawPointer
  let byteCount: Int
  let fill: UInt8

  init(_ base: UnsafeMutableRawPointer, _ byteCount: Int, fill: UInt8) {
    self.base = base
    self.byteCount = byteCount
    self.fill = fill
    base.initializeMemory(as: UInt8.self, repeating: fill, count: byteCount)
  }

  var isIntact: Bool { UnsafeRawBufferPointer(start: base, count: byteCount).allSatisfy { $0 == fill } }
}

@Suite struct HeapTests {
  @Test(arguments: [0, 1, 15, 16, 17, 48, 100, 1008, 1009, 2016, 2017, 4096, 5000, 100_000, 3_000_000])
  func anObjectOfAnySizeIsUsableAndComesBack(byteCount: Int) throws {
    let machine = try Machine()
    let atStart = machine.frames.freeByteCount
    let object = Object(try #require(machine.heap.allocate(byteCount: byteCount, alignment: 16)), byteCount, fill: 0xa5)
    #expect(object.isIntact)
    #expect(machine.heap.usedByteCount >= byteCount)
    machine.heap.free(object.base)
    #expect(machine.heap.usedByteCount == 0)
    #expect(machine.frames.freeByteCount == atStart)
  }

  @Test(arguments: [1, 8, 16, 32, 64, 128, 1024, 4096, 16384, 2 << 20])
  func alignmentIsHonouredForSmallAndLargeObjects(alignment: Int) throws {
    let machine = try Machine()
    let atStart = machine.frames.freeByteCount
    var objects: [UnsafeMutableRawPointer] = []
    for byteCount in [1, 24, 200, 2000, 9000] {
      objects.append(try #require(machine.heap.allocate(byteCount: byteCount, alignment: alignment)))
    }
    #expect(objects.allSatisfy { UInt(bitPattern: $0) % UInt(alignment) == 0 })
    for object in objects { machine.heap.free(object) }
    #expect(machine.frames.freeByteCount == atStart)
  }

  @Test func requestsThatMakeNoSenseAreRefused() throws {
    let heap = try Machine().heap
    #expect(heap.allocate(byteCount: -1, alignment: 16) == nil)
    #expect(heap.allocate(byteCount: 16, alignment: 0) == nil)
    #expect(heap.allocate(byteCount: 16, alignment: 24) == nil)
    #expect(heap.allocate(byteCount: .max, alignment: 16) == nil)
    #expect(heap.allocate(byteCount: 16, alignment: 1 << 62) == nil)
  }

  @Test func smallObjectsShareAFrame() throws {
    let machine = try Machine()
    let first = try #require(machine.heap.allocate(byteCount: 64, alignment: 16))
    let afterFirst = machine.frames.freeByteCount
    let others = (0..<62).compactMap { _ in machine.heap.allocate(byteCount: 64, alignment: 16) }
    #expect(machine.frames.freeByteCount == afterFirst)
    let oneMore = try #require(machine.heap.allocate(byteCount: 64, alignment: 16))
    #expect(machine.frames.freeByteCount == afterFirst - 4096)
    for object in others + [first, oneMore] { machine.heap.free(object) }
    #expect(machine.heap.usedByteCount == 0)
  }

  @Test func allocationFailsWithoutFramesAndSucceedsAgainAfterAFree() throws {
    let machine = try Machine(byteCount: 64 << 10)
    var objects: [UnsafeMutableRawPointer] = []
    while let object = machine.heap.allocate(byteCount: 1000, alignment: 16) { objects.append(object) }
    #expect(machine.heap.allocate(byteCount: 5000, alignment: 16) == nil)
    machine.heap.free(objects.removeLast())
    let again = machine.heap.allocate(byteCount: 1000, alignment: 16)
    #expect(again != nil)
  }

  @Test(arguments: 0..<3 as Range<UInt64>)
  func randomUseKeepsEveryObjectIntactAndReturnsEveryFrame(seed: UInt64) throws {
    let machine = try Machine()
    let atStart = machine.frames.freeByteCount
    var generator = SeededGenerator(seed: seed)
    var objects: [Object] = []
    for step in 0..<10_000 {
      if Int.random(in: 0..<100, using: &generator) < 48, !objects.isEmpty {
        objects.swapAt(objects.indices.randomElement(using: &generator) ?? 0, objects.count - 1)
        let object = objects.removeLast()
        #expect(object.isIntact)
        machine.heap.free(object.base)
        continue
      }
      let byteCount = Int.random(in: 0...(1 << Int.random(in: 0...13, using: &generator)), using: &generator)
      let alignment = 1 << Int.random(in: 0...8, using: &generator)
      let base = try #require(machine.heap.allocate(byteCount: byteCount, alignment: alignment))
      objects.append(Object(base, byteCount, fill: UInt8(truncatingIfNeeded: step)))
    }
    for object in objects {
      #expect(object.isIntact)
      machine.heap.free(object.base)
    }
    #expect(machine.heap.usedByteCount == 0)
    #expect(machine.frames.freeByteCount == atStart)
  }

  @Test func fourThreadsShareAHeap() throws {
    let machine = try Machine()
    let atStart = machine.frames.freeByteCount
    DispatchQueue.concurrentPerform(iterations: 4) { thread in
      var generator = SeededGenerator(seed: UInt64(thread))
      for _ in 0..<3_000 {
        let byteCount = Int.random(in: 1...3000, using: &generator)
        guard let base = machine.heap.allocate(byteCount: byteCount, alignment: 16) else { continue }
        let object = Object(base, byteCount, fill: UInt8(thread))
        precondition(object.isIntact)
        machine.heap.free(base)
      }
    }
    #expect(machine.frames.freeByteCount == atStart)
  }

  @Test func freeingAnObjectTwiceTraps() async {
    await #expect(processExitsWith: .failure) {
      let heap = try Machine().heap
      let objects = (0..<2).compactMap { _ in heap.allocate(byteCount: 48, alignment: 16) }
      heap.free(objects[0])
      heap.free(objects[0])
    }
  }

  @Test func freeingTheInsideOfAnObjectTraps() async {
    await #expect(processExitsWith: .failure) {
      let heap = try Machine().heap
      let object = try #require(heap.allocate(byteCount: 96, alignment: 16))
      heap.free(object + 16)
    }
  }
}
