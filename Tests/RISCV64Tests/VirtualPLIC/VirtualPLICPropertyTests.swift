import TestSupport
import Testing
import Virtualization

@testable import RISCV64

@Suite struct VirtualPLICPropertyTests {
  /// Any line and any access: the same values as the model, the same signals, and everyone told whose signal changed.
  @Test(arguments: [(1, 1), (2, 2), (3, 4), (4, 16)] as [(UInt64, Int)])
  func itDoesWhatTheSpecificationSays(seed: UInt64, contextCount: Int) {
    var generator = SeededGenerator(seed: seed)
    let plic = TestPLIC(vcpuCount: contextCount)
    var model = PLICModel(contextCount: contextCount)
    var known = (0..<contextCount).map { _ in false }
    var wrong = 0
    var deliveries = 0
    for _ in 0..<8_000 {
      let vcpu = Int.random(in: 0..<contextCount, using: &generator)
      var notified: UInt64 = 0
      let isAccess = Int.random(in: 0..<4, using: &generator) > 0
      let offset = Self.offset(contextCount, &generator)
      let value = Self.value(&generator)
      switch isAccess ? Int.random(in: 0...1, using: &generator) : 2 {
      case 0:
        let expected = model.read(offset)
        if offset & 0xfff == 4 && offset >= 0x20_0000 && expected != 0 { deliveries += 1 }
        let (value, others) = plic.readAndNotified(offset, by: vcpu)
        if value != expected { wrong += 1 }
        notified = others
      case 1:
        model.write(offset, value)
        notified = plic.write(offset, value, by: vcpu)
      default:
        let source = Int.random(in: 1..<96, using: &generator)
        let isAsserted = Bool.random(using: &generator)
        model.setLine(source, isAsserted)
        notified = plic.setLine(source, isAsserted)
      }
      for context in 0..<contextCount {
        let isSignalled = model.isSignalled(context)
        if plic.isSignalled(context) != isSignalled { wrong += 1 }
        let mustKnow = isSignalled != known[context] && !(isAccess && context == vcpu)
        if mustKnow != (notified >> UInt64(context) & 1 != 0) { wrong += 1 }
        known[context] = isSignalled
      }
    }
    #expect(wrong == 0)
    #expect(deliveries > 100)
  }

  /// Mostly registers that there are.
  private static func offset(_ contextCount: Int, _ generator: inout SeededGenerator) -> UInt64 {
    let context = UInt64.random(in: 0...UInt64(contextCount), using: &generator)
    switch Int.random(in: 0...6, using: &generator) {
    case 0: return UInt64.random(in: 0...96, using: &generator) * 4
    case 1: return 0x1000 + UInt64.random(in: 0...3, using: &generator) * 4
    case 2: return 0x2000 + context * 0x80 + UInt64.random(in: 0...3, using: &generator) * 4
    case 3: return 0x20_0000 + context * 0x1000
    case 4, 5: return 0x20_0004 + context * 0x1000
    default: return UInt64.random(in: 0..<0x18_0000, using: &generator) * 4
    }
  }

  private static func value(_ generator: inout SeededGenerator) -> UInt64 {
    switch Int.random(in: 0...2, using: &generator) {
    case 0: UInt64.random(in: 0...7, using: &generator)
    case 1: UInt64.random(in: 0...100, using: &generator)
    default: generator.next() & 0xffff_ffff
    }
  }

  /// Each request is claimed by exactly one of the threads that all want it.
  @Test func whatManyClaimIsGivenOnce() async {
    let plic = TestPLIC(vcpuCount: 4)
    for context in 0..<4 { for source in 1..<96 { plic.enable(source, in: context) } }
    var claims = [UInt64](repeating: 0, count: 96)
    for _ in 0..<20 {
      for source in 1..<96 { _ = plic.setLine(source, true) }
      await withTaskGroup(of: [UInt64].self) { group in
        for context in 0..<4 {
          group.addTask {
            var mine: [UInt64] = []
            while case let source = plic.claim(context), source != 0 { mine.append(source) }
            return mine
          }
        }
        for await mine in group { for source in mine { claims[Int(source)] += 1 } }
      }
      for source in 1..<96 {
        _ = plic.setLine(source, false)
        plic.complete(UInt64(source), 0)
      }
    }
    #expect(claims[1...].allSatisfy { $0 == 20 })
  }
}
