import Dispatch
import Foundation
import Synchronization

extension Simulation {
  /// How many seeds all tests together go through: what `APUS_SEEDS` says, else what takes well under a minute.
  private static var seedCount: Int {
    ProcessInfo.processInfo.environment["APUS_SEEDS"].flatMap { Int($0) } ?? 10_000
  }

  /// The one seed to repeat, where `APUS_SEED` names one.
  private static var onlySeed: UInt64? { ProcessInfo.processInfo.environment["APUS_SEED"].flatMap { UInt64($0) } }

  /// Whether there are too few seeds for a test to see everything that it can.
  public static var isShort: Bool { onlySeed != nil || seedCount < 5000 }

  /// Calls `run` with one seed after the other, on two threads, and stops soon after the first that fails.
  /// - Parameter perMille: How many of a thousand seeds are this test's.
  /// - Returns: what went wrong, with the seeds.
  public static func forEachSeed(perMille: Int, _ run: @Sendable (UInt64) -> [String]) -> [String] {
    if let onlySeed { return run(onlySeed) }
    let total = max(1, seedCount * perMille / 1000)
    let failures = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 2) { half in
      for seed in stride(from: half, to: total, by: 2) {
        if failures.withLock({ !$0.isEmpty }) { return }
        let report = SeedReport(UInt64(seed))
        let found = run(UInt64(seed))
        report.end()
        failures.withLock { $0 += found }
      }
    }
    return failures.withLock { $0 }
  }
}

/// Says which seeds were running when the process traps.
struct SeedReport {
  nonisolated(unsafe) private static let seeds: [UnsafeMutablePointer<Int>] = (0..<8).map { _ in
    let seed = UnsafeMutablePointer<Int>.allocate(capacity: 1)
    seed.pointee = -1
    return seed
  }
  private static let next = Atomic<Int>(0)

  private static let handler: Void = {
    for number in [SIGILL, SIGTRAP, SIGSEGV, SIGABRT] {
      signal(number) { number in
        for seed in SeedReport.seeds where seed.pointee >= 0 {
          var text = "the seed was \(seed.pointee)\n"
          text.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
        }
        signal(number, SIG_DFL)
        raise(number)
      }
    }
  }()

  private let slot: UnsafeMutablePointer<Int>

  init(_ seed: UInt64) {
    _ = Self.handler
    slot = Self.seeds[Self.next.wrappingAdd(1, ordering: .relaxed).oldValue & 7]
    slot.pointee = Int(seed)
  }

  func end() { slot.pointee = -1 }
}
