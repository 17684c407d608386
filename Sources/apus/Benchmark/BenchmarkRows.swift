import Foundation
import Manifest

/// What is measured on an architecture, what is to be reached, and what others' hypervisors cost there: the file
/// `Benchmarks/<architecture>-rows.json`.
struct BenchmarkRows: Codable, Equatable {
  /// Another hypervisor whose figures were taken with the same method.
  struct Peer: Codable, Equatable {
    let id: String
    let name: String
  }

  struct Row: Codable, Equatable {
    let id: String
    let what: String
    /// What has to run for the figure.
    let boot: BenchmarkSource
    /// The figure's name there, where it is not the row's own.
    var measures: String?
    var unit: Unit?
    /// The peers' own measurement without a hypervisor.
    var native: Double?
    /// At most so much is wanted.
    var target: Double?
    /// The row that it must not differ from by more than 5 %.
    var like: String?
    /// By the peer's id.
    var peers: [String: Double]?
    /// What is to be known about the peers' figures.
    var note: String?

    var figure: String { measures ?? id }
  }

  enum Unit: String, Codable {
    case instructions, exits, bytes
  }

  let architecture: String
  /// The version of QEMU on which the peers were measured.
  let peersQEMU: String
  let peers: [Peer]
  let rows: [Row]

  static func file(_ architecture: Architecture, in repository: Repository) -> URL {
    repository.file("Benchmarks/\(architecture.name)-rows.json")
  }

  static func load(_ architecture: Architecture, from repository: Repository) throws(Failure) -> BenchmarkRows {
    try JSONFile.read(BenchmarkRows.self, from: file(architecture, in: repository))
  }

  /// The rows with these ids, all where none is named.
  func selected(_ ids: [String]) throws(Failure) -> [Row] {
    if let unknown = ids.first(where: { id in !rows.contains { $0.id == id } }) {
      throw Failure(
        .failed, "there is no row \(unknown); there are " + rows.map(\.id).joined(separator: ", "))
    }
    return ids.isEmpty ? rows : rows.filter { ids.contains($0.id) }
  }
}

/// Data in the repository.
enum JSONFile {
  static func read<Value: Decodable>(_: Value.Type, from file: URL) throws(Failure) -> Value {
    do {
      return try JSONDecoder().decode(Value.self, from: Data(contentsOf: file))
    } catch {
      throw Failure(.configuration, "\(file.pathFromHere) cannot be read: \(error)")
    }
  }
}
