import Manifest
import TestSupport
import Testing
import Virtualization

@testable import ImageTool

@Suite struct GuestLayoutTests {
  private func range(_ base: UInt64, _ byteCount: UInt64) throws -> GuestPhysicalRange {
    try #require(GuestPhysicalRange(base: GuestPhysicalAddress(base), byteCount: byteCount))
  }

  @Test func lowestFreePlaceIsTaken() throws {
    var layout = GuestLayout(memory: [try range(0x4000_0000, 16 << 20)])
    layout.take(try range(0x4000_0000, 0x1000))
    #expect(layout.place(byteCount: 0x1000, alignment: 4096)?.rawValue == 0x4000_1000)
    #expect(layout.place(byteCount: 0x1000, alignment: 2 << 20)?.rawValue == 0x4020_0000)
    #expect(layout.place(byteCount: 0x1000, alignment: 4096)?.rawValue == 0x4000_2000)
  }

  @Test func offsetIsAddedToAMultipleOfTheAlignment() throws {
    var layout = GuestLayout(memory: [try range(0x4000_0000, 16 << 20)])
    #expect(layout.place(byteCount: 0x1000, alignment: 2 << 20, offset: 0x8_0000)?.rawValue == 0x4008_0000)
    #expect(layout.place(byteCount: 0x1000, alignment: 2 << 20, offset: 0x8_0000)?.rawValue == 0x4028_0000)
  }

  @Test func placeIsInsideOneRangeOfMemory() throws {
    var layout = GuestLayout(memory: [try range(0x4000_0000, 0x1000), try range(0x4000_1000, 0x1000)])
    #expect(layout.place(byteCount: 0x2000, alignment: 4096) == nil)
    #expect(layout.place(byteCount: 0x1000, alignment: 4096)?.rawValue == 0x4000_0000)
    #expect(layout.place(byteCount: 0x1000, alignment: 4096)?.rawValue == 0x4000_1000)
    #expect(layout.place(byteCount: 1, alignment: 4096) == nil)
  }

  @Test func memoryAtTheEndOfAddressesDoesNotWrap() throws {
    var layout = GuestLayout(memory: [try range(0xffff_ffff_ffff_f000, 0x1000)])
    #expect(layout.place(byteCount: 0x1000, alignment: 2 << 20) == nil)
    #expect(layout.place(byteCount: 0x1000, alignment: 4096)?.rawValue == 0xffff_ffff_ffff_f000)
    #expect(layout.place(byteCount: 1, alignment: 4096) == nil)
  }

  @Test(arguments: 0..<20) func placesNeverOverlapAndStayInMemory(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let memory = [try range(0x4000_0000, 8 << 20), try range(0x8000_0000, 1 << 20)]
    var layout = GuestLayout(memory: memory)
    var placed: [GuestPhysicalRange] = []
    for _ in 0..<50 {
      let byteCount = UInt64.random(in: 1...0x8_0000, using: &generator)
      let alignment = UInt64(1) << UInt64.random(in: 0...21, using: &generator)
      guard let base = layout.place(byteCount: byteCount, alignment: alignment) else { continue }
      let new = try range(base.rawValue, byteCount)
      #expect(base.isAligned(to: alignment))
      #expect(memory.contains { $0.contains(new) } && !placed.contains { $0.overlaps(new) })
      placed.append(new)
    }
    #expect(placed.count > 10)
  }
}
