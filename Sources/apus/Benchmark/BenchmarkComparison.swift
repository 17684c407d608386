/// What was measured beside what is stored.
struct BenchmarkComparison {
  /// A row that costs more than the stored file allows.
  struct Regression: Equatable, CustomStringConvertible {
    let id: String
    let stored: Double
    let measured: Double
    var description: String {
      "\(id): \(BenchmarkTable.number(measured)), stored is \(BenchmarkTable.number(stored))"
    }
  }

  /// So much more than what is stored is no regression: 2 %.
  static let tolerance = 0.02

  let regressions: [Regression]
  /// Rows that cost less than what is stored by more than the tolerance.
  let improvements: [Regression]

  /// - Throws: where the two cannot be compared.
  init(_ measured: BenchmarkFigures, with stored: BenchmarkFigures) throws(Failure) {
    guard measured.qemu == stored.qemu else {
      throw Failure(
        .missing,
        "the stored figures are of QEMU \(stored.qemu) and this is \(measured.qemu): figures of two versions are not"
          + " compared")
    }
    var regressions: [Regression] = []
    var improvements: [Regression] = []
    for row in measured.rows {
      guard let now = row.apus, let before = stored[row.id]?.apus else { continue }
      let change = Regression(id: row.id, stored: before, measured: now)
      if now > before * (1 + Self.tolerance) { regressions.append(change) }
      if now < before * (1 - Self.tolerance) { improvements.append(change) }
    }
    self.regressions = regressions
    self.improvements = improvements
  }
}
