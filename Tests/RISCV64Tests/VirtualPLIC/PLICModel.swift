@testable import RISCV64

/// The PLIC as its specification words it, source by source and context by context, without a thought for cost.
struct PLICModel {
  private struct Source {
    var isAsserted = false
    var isPending = false
    var isInService = false
    var priority: UInt64 = 0
  }

  private var sources = [Source](repeating: Source(), count: 96)
  private var enabled: [[Bool]]
  private var thresholds: [UInt64]

  init(contextCount: Int) {
    enabled = Array(repeating: Array(repeating: false, count: 96), count: contextCount)
    thresholds = Array(repeating: 0, count: contextCount)
  }

  mutating func setLine(_ source: Int, _ isAsserted: Bool) {
    sources[source].isAsserted = isAsserted
    forward(source)
  }

  private mutating func forward(_ source: Int) {
    if sources[source].isAsserted && !sources[source].isInService { sources[source].isPending = true }
  }

  private func best(_ context: Int, above threshold: UInt64) -> Int {
    var best = 0
    for source in 1..<96
    where sources[source].isPending && enabled[context][source] && sources[source].priority > threshold {
      if best == 0 || sources[source].priority > sources[best].priority { best = source }
    }
    return best
  }

  func isSignalled(_ context: Int) -> Bool { best(context, above: thresholds[context]) != 0 }

  mutating func read(_ offset: UInt64) -> UInt64 {
    let index = Int(offset / 4)
    switch offset {
    case 4..<0x180: return sources[index].priority
    case 0x1000..<0x100c:
      let first = (index - 0x400) * 32
      return (0..<32).reduce(0) { $0 | (sources[first + $1].isPending ? 1 << UInt64($1) : 0) }
    case 0x2000..<0x20_0000:
      let context = Int(offset - 0x2000) / 0x80
      let word = Int(offset % 0x80) / 4
      guard context < thresholds.count, word < 3 else { return 0 }
      return (0..<32).reduce(0) { $0 | (enabled[context][word * 32 + $1] ? 1 << UInt64($1) : 0) }
    case 0x20_0000...:
      let context = Int(offset - 0x20_0000) / 0x1000
      guard context < thresholds.count else { return 0 }
      if offset % 0x1000 == 0 { return thresholds[context] }
      guard offset % 0x1000 == 4 else { return 0 }
      let source = best(context, above: 0)
      if source != 0 {
        sources[source].isPending = false
        sources[source].isInService = true
      }
      return UInt64(source)
    default: return 0
    }
  }

  mutating func write(_ offset: UInt64, _ value: UInt64) {
    switch offset {
    case 4..<0x180: sources[Int(offset / 4)].priority = value % 8
    case 0x2000..<0x20_0000:
      let context = Int(offset - 0x2000) / 0x80
      let word = Int(offset % 0x80) / 4
      guard context < thresholds.count, word < 3 else { return }
      for bit in 0..<32 where word + bit > 0 { enabled[context][word * 32 + bit] = value >> UInt64(bit) & 1 != 0 }
    case 0x20_0000...:
      let context = Int(offset - 0x20_0000) / 0x1000
      guard context < thresholds.count else { return }
      if offset % 0x1000 == 0 { thresholds[context] = value % 8 }
      guard offset % 0x1000 == 4, value > 0, value < 96, enabled[context][Int(value)] else { return }
      if sources[Int(value)].isInService {
        sources[Int(value)].isInService = false
        forward(Int(value))
      }
    default: break
    }
  }
}
