import Kernel
import TestSupport
import Testing
import Virtualization

/// A page table beside the simplest thing that could be one: an array with an element for each page.
private final class ModelledTable {
  struct Page: Equatable {
    let output: UInt64
    let attributes: PageAttributes
  }

  /// How much one element stands for; the table's own pages where it is 4 KiB, large ones above.
  let unit: UInt64
  let base: UInt64
  var model: [Page?]
  var table: FakeTable
  let log = MaintenanceLog()

  init(unit: UInt64, base: UInt64, unitCount: Int, from frames: TestFrames) throws {
    self.unit = unit
    self.base = base
    model = Array(repeating: nil, count: unitCount)
    table = try FakeTable(FakeFormat(), from: frames)
  }

  func input(_ index: Int) -> GuestPhysicalAddress { GuestPhysicalAddress(base + UInt64(index) * unit) }

  func map(_ range: Range<Int>, to output: UInt64, as attributes: PageAttributes) -> Bool {
    let expected: PageTableError? = model[range].contains { $0 != nil } ? .alreadyMapped : nil
    var thrown: PageTableError?
    do throws(PageTableError) {
      try table.map(
        input(range.lowerBound), to: HostPhysicalAddress(output), byteCount: UInt64(range.count) * unit, as: attributes,
        maintenance: log)
    } catch {
      thrown = error
    }
    if expected == nil {
      for index in range {
        model[index] = Page(output: output + UInt64(index - range.lowerBound) * unit, attributes: attributes)
      }
    }
    return thrown == expected
  }

  func unmap(_ range: Range<Int>) throws {
    try table.unmap(input(range.lowerBound), byteCount: UInt64(range.count) * unit, maintenance: log)
    for index in range { model[index] = nil }
  }

  func protect(_ range: Range<Int>, _ permissions: AccessPermissions) throws {
    try table.protect(input(range.lowerBound), byteCount: UInt64(range.count) * unit, permissions, maintenance: log)
    for index in range {
      model[index] = model[index].map {
        Page(output: $0.output, attributes: PageAttributes(permissions, $0.attributes.memoryType))
      }
    }
  }

  /// Whether table and model say the same about every element.
  func agrees() -> Bool {
    var seen = [Page?](repeating: nil, count: model.count)
    var isInside = true
    table.forEachLeaf { leaf in
      for offset in stride(from: 0, to: leaf.byteCount, by: Int(unit)) {
        let index = Int(leaf.input.rawValue + offset - base) / Int(unit)
        isInside = isInside && seen.indices.contains(index)
        seen[index] = Page(output: leaf.output.rawValue + offset, attributes: leaf.attributes)
      }
    }
    return isInside && seen == model
  }

  func agrees(at index: Int) -> Bool {
    let input = input(index)
    return table.translate(input).map { Page(output: $0.output(of: input).rawValue, attributes: $0.attributes) }
      == model[index]
  }
}

@Suite struct PageTableModelTests {
  /// In units of 4 KiB around a multiple of 1 GiB, and in units of 2 MiB around one of 512 GiB.
  @Test(arguments: [(1, 4096, 1 << 30), (2, 4096, 1 << 39), (3, 2 << 20, 1 << 39)] as [(UInt64, UInt64, UInt64)])
  func tenThousandRandomOperationsAgreeWithTheModel(seed: UInt64, unit: UInt64, middle: UInt64) throws {
    let unitCount = 2048
    let frames = makeFrames()
    let before = frames.freeByteCount
    do {
      var generator = SeededGenerator(seed: seed)
      let subject = try ModelledTable(
        unit: unit, base: middle - UInt64(unitCount / 2) * unit, unitCount: unitCount, from: frames)
      for step in 0..<10_000 {
        let length = Int.random(in: 1...(1 << Int.random(in: 0...10, using: &generator)), using: &generator)
        // Half of the time at a multiple of a large leaf, so that large leaves come about.
        let granule = Bool.random(using: &generator) ? 512 : 1
        let start = Int.random(in: 0...(unitCount - length), using: &generator) / granule * granule
        let range = start..<(start + length)
        let permissions = AccessPermissions(rawValue: UInt8.random(in: 1...7, using: &generator))
        switch Int.random(in: 0..<10, using: &generator) {
        case 0..<5:
          let congruent = subject.input(start).rawValue & (unit * 512 - 1)
          let output = UInt64.random(in: 0..<64, using: &generator) * unit * 512 + congruent
          let type: MemoryType = Bool.random(using: &generator) ? .normal : .device
          #expect(subject.map(range, to: output, as: PageAttributes(permissions, type)))
        case 5..<8:
          try subject.unmap(range)
        default:
          try subject.protect(range, permissions)
        }
        #expect(subject.agrees(at: start))
        #expect(subject.agrees(at: start + length - 1))
        let anywhere = Int.random(in: 0..<unitCount, using: &generator)
        #expect(subject.agrees(at: anywhere))
        if step % 100 == 0 {
          let agrees = subject.agrees()
          #expect(agrees)
        }
      }
      let agrees = subject.agrees()
      #expect(agrees)
      subject.table.destroy()
    }
    #expect(frames.freeByteCount == before)
  }
}
