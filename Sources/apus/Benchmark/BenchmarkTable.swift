import Foundation

/// The figures as a table: a row a line, native, Apus, what is to be reached, and the peers.
struct BenchmarkTable {
  let definition: BenchmarkRows
  let figures: BenchmarkFigures

  /// What such figures do not show, said beside each of them.
  static let caveats = """
    Instructions, counted by QEMU, of every privilege level; a round trip with the loop around it. Not shown: what a trap,
    a barrier, TLB maintenance, a walk of page tables or a cache miss costs (each counts as one instruction or none), and
    the size of pages. With two CPUs the figure is the sum of what both execute in turn. No figure is a time.
    """

  struct Cells: Equatable {
    let id: String
    let cells: [String]
  }

  var header: [String] {
    ["native", "Apus", "target"] + (hasXen ? ["Xen today"] : []) + definition.peers.map(\.name)
  }

  var rows: [Cells] {
    figures.rows.compactMap { row in
      guard let defined = definition.rows.first(where: { $0.id == row.id }) else { return nil }
      let peers = definition.peers.map { defined.peers?[$0.id] }
      let cells = [row.native, row.apus, target(of: defined)] + (hasXen ? [row.xen] : []) + peers
      return Cells(id: row.id, cells: cells.map { $0.map(Self.number) ?? "–" })
    }
  }

  private var hasXen: Bool { figures.rows.contains { $0.xen != nil } }

  /// A row that must be like another may cost so much more: 5 %.
  static let likeness = 1.05

  /// What is to be reached: a number of its own, or what another row costs.
  private func target(of row: BenchmarkRows.Row) -> Double? {
    row.target ?? row.like.flatMap { figures[$0]?.apus }.map { ($0 * Self.likeness).rounded(.down) }
  }

  /// Rows that cost more than is wanted.
  var misses: [String] {
    definition.rows.compactMap { row in
      guard let target = target(of: row), let figure = figures[row.id]?.apus, figure > target else { return nil }
      return "\(row.id): \(Self.number(figure)), target \(Self.number(target))"
    }
  }

  /// Exits of the Linux guests by kind, a line a boot and part.
  private var exits: String {
    guard let exits = figures.exits else { return "" }
    return "\nExits, by what the guest was doing:\n"
      + exits.map { row in
        let kinds = row.kinds.sorted { $0.value > $1.value }.filter { $0.value > 0 }
        return "  \(row.boot), \(row.part): "
          + kinds.map { "\($0.key) \(Self.number($0.value))" }.joined(separator: ", ") + "\n"
      }.joined()
  }

  var text: String {
    let all = [Cells(id: "", cells: header)] + rows
    let widths = header.indices.map { column in all.map { $0.cells[column].count }.max() ?? 0 }
    let first = all.map(\.id.count).max() ?? 0
    let lines = all.map { row in
      row.id + String(repeating: " ", count: first - row.id.count)
        + zip(row.cells, widths).map { cell, width in
          "  " + String(repeating: " ", count: width - cell.count) + cell
        }.joined()
    }
    let missed = misses.isEmpty ? "" : "\nAbove the target:\n" + misses.map { "  \($0)\n" }.joined()
    return """
      \(definition.architecture), QEMU \(figures.qemu); peers on QEMU \(definition.peersQEMU)\
      \(figures.commit.map { "; commit \($0)" } ?? "")

      \(lines.joined(separator: "\n"))
      \(missed)\(exits)
      \(Self.caveats)
      """
  }

  /// A figure as people read it: thousands apart, at most one digit behind the point.
  static func number(_ value: Double) -> String {
    let rounded = (value * 10).rounded() / 10
    let whole = String(Int(rounded))
    var grouped = ""
    for (index, digit) in whole.enumerated() {
      if index > 0, (whole.count - index) % 3 == 0 { grouped += " " }
      grouped.append(digit)
    }
    let tenth = Int((rounded * 10).rounded()) % 10
    return tenth == 0 ? grouped : grouped + ".\(tenth)"
  }
}
