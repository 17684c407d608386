import Manifest

/// The part of the benchmarks that every test run looks at: the rows that our own guest measures, in seconds.
enum BenchmarkTest {
  static func run(_ repository: Repository, _ architecture: Architecture) -> TestReport.Outcome {
    do {
      let rows = try BenchmarkRows.load(architecture, from: repository).rows.filter(\.boot.isGuest)
      let stored = try BenchmarkFigures.load(architecture, from: repository)
      let runner = BenchmarkRunner(build: HypervisorBuild(repository: repository, architecture: architecture))
      let measured = try runner.measure(rows)
      guard measured.qemu == stored.qemu else {
        return .notRun("the stored figures are of QEMU \(stored.qemu), and this is \(measured.qemu)")
      }
      let regressions = try BenchmarkComparison(measured, with: stored).regressions
      guard !regressions.isEmpty else { return .passed }
      return .failed(
        regressions.map(\.description).joined(separator: "\n")
          + "\nWhere that is as it should be: ./apus bench --store, in the same commit")
    } catch {
      return .failed(error.description)
    }
  }
}
