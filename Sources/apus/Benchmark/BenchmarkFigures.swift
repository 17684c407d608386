import Foundation
import Manifest

/// What was measured: the output of `apus bench --json`, and with the commit the file `Benchmarks/<architecture>.json`.
struct BenchmarkFigures: Codable, Equatable {
  struct Row: Codable, Equatable {
    let id: String
    /// Without a hypervisor; nil where there is no such thing.
    var native: Double?
    var apus: Double?
    /// Under a peer that was run beside it.
    var xen: Double?
  }

  /// The exits of a Linux guest, by what the guest was doing.
  struct Exits: Codable, Equatable {
    let boot: String
    /// `boot` or `work`.
    let part: String
    let kinds: [String: Double]
  }

  /// QEMU's version: figures of different ones are not compared.
  let qemu: String
  let arch: String
  /// The commit that was measured, with `+` where the sources had changed since. Only in the stored file.
  var commit: String?
  var rows: [Row]
  var exits: [Exits]?

  static func file(_ architecture: Architecture, in repository: Repository) -> URL {
    repository.file("Benchmarks/\(architecture.name).json")
  }

  static func load(_ architecture: Architecture, from repository: Repository) throws(Failure) -> BenchmarkFigures {
    try JSONFile.read(BenchmarkFigures.self, from: file(architecture, in: repository))
  }

  subscript(id: String) -> Row? { rows.first { $0.id == id } }

  /// These figures over older ones: rows that were not measured this time stay, unless they are of another QEMU.
  func merged(over older: BenchmarkFigures, order: [String]) -> BenchmarkFigures {
    guard older.qemu == qemu else { return self }
    var merged = self
    merged.rows = order.compactMap { id in
      guard var row = self[id] else { return older[id] }
      row.xen = row.xen ?? older[id]?.xen
      return row
    }
    merged.exits = exits ?? older.exits
    return merged
  }

  /// A row a line, so that a change shows which rows changed.
  var json: String {
    func text(_ value: some Encodable) -> String {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
      return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
    }
    func line(_ row: Row) -> String {
      let figures = [("native", row.native), ("apus", row.apus), ("xen", row.xen)]
      return "    {\"id\": \(text(row.id))"
        + figures.compactMap { name, figure in figure.map { ", \"\(name)\": \(text($0))" } }.joined() + "}"
    }
    return "{\n  \"qemu\": \(text(qemu)),\n  \"arch\": \(text(arch)),\n"
      + (commit.map { "  \"commit\": \(text($0)),\n" } ?? "")
      + "  \"rows\": [\n" + rows.map(line).joined(separator: ",\n") + "\n  ]"
      + (exits.map { ",\n  \"exits\": [\n    " + $0.map(text).joined(separator: ",\n    ") + "\n  ]" } ?? "") + "\n}\n"
  }
}
