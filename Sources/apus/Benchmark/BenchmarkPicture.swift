import Foundation
import Manifest

/// The stored figures beside the peers', as a picture for the README: a row a line, a mark a hypervisor, on a scale of
/// powers of ten.
struct BenchmarkPicture {
  let definition: BenchmarkRows
  let figures: BenchmarkFigures

  static func file(_ architecture: Architecture, in repository: Repository) -> URL {
    repository.file("Benchmarks/\(architecture.name).svg")
  }

  /// One hypervisor's figure in a row.
  private struct Mark {
    let series: Int
    let value: Double
  }

  private struct Line {
    let id: String
    let own: Double
    let target: Double?
    let marks: [Mark]
  }

  // MARK: - Geometry, in the picture's own units

  private static let width = 960.0
  private static let labels = 190.0
  private static let numbers = 110.0
  private static let top = 66.0
  private static let lineHeight = 21.0
  private static let colours = ["#d9480f", "#1c7ed6", "#2b8a3e", "#74b816", "#5f3dc4", "#9775fa", "#868e96"]

  private var plot: ClosedRange<Double> { Self.labels...(Self.width - Self.numbers) }

  /// Rows of instructions for which a peer has a figure that an exit is behind.
  private var lines: [Line] {
    definition.rows.compactMap { row in
      guard row.unit ?? .instructions == .instructions, let own = figures[row.id]?.apus, own >= 10,
        let peers = row.peers, !peers.isEmpty
      else { return nil }
      let others = definition.peers.enumerated().compactMap { index, peer in
        peers[peer.id].map { Mark(series: index + 1, value: $0) }
      }
      return Line(id: row.id, own: own, target: row.target, marks: others + [Mark(series: 0, value: own)])
    }
  }

  /// Powers of ten between which everything lies.
  private func decades(of lines: [Line]) -> ClosedRange<Int> {
    let values = lines.flatMap { $0.marks.map(\.value) }
    let low = Int(log10(values.min() ?? 10).rounded(.down))
    return low...max(low + 1, Int(log10(values.max() ?? 100).rounded(.up)))
  }

  // MARK: - Drawing

  var svg: String {
    let lines = lines
    let decades = decades(of: lines)
    let bottom = Self.top + Double(lines.count) * Self.lineHeight
    func place(_ value: Double) -> Double {
      let share = (log10(value) - Double(decades.lowerBound)) / Double(decades.upperBound - decades.lowerBound)
      return plot.lowerBound + share * (plot.upperBound - plot.lowerBound)
    }
    var parts = [
      """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.text(Self.width)) \(Self.text(bottom + 62))" \
      font-family="system-ui, sans-serif" font-size="12">
      <rect width="100%" height="100%" fill="#ffffff"/>
      <text x="12" y="22" font-size="15" fill="#212529">\(definition.architecture): instructions a round trip, \
      Apus beside others (powers of ten)</text>
      """
    ]
    parts += legend
    for power in decades {
      let x = Self.text(place(pow(10, Double(power))))
      parts.append("<path d=\"M\(x) \(Self.text(Self.top - 8))V\(Self.text(bottom))\" stroke=\"#dee2e6\"/>")
      parts.append(
        "<text x=\"\(x)\" y=\"\(Self.text(bottom + 15))\" text-anchor=\"middle\" fill=\"#868e96\">"
          + "\(BenchmarkTable.number(pow(10, Double(power))))</text>")
    }
    for (index, line) in lines.enumerated() {
      parts += draw(line, y: Self.top + (Double(index) + 0.5) * Self.lineHeight, place)
    }
    parts.append(
      """
      <text x="12" y="\(Self.text(bottom + 36))" fill="#495057">QEMU \(figures.qemu), counting instructions; the others on \
      QEMU \(definition.peersQEMU). A bar | is what is to be reached. A trap, a barrier, TLB maintenance</text>
      <text x="12" y="\(Self.text(bottom + 52))" fill="#495057">or a cache miss costs one instruction or none here: no figure is a time. \
      Made by `apus bench --picture` from Benchmarks/\(definition.architecture).json.</text>
      </svg>

      """)
    return parts.joined(separator: "\n")
  }

  private var legend: [String] {
    var x = Self.labels
    return (["Apus"] + definition.peers.map(\.name)).enumerated().flatMap { series, name in
      defer { x += 34 + 7 * Double(name.count) }
      return [
        Self.circle(x, 44, series),
        "<text x=\"\(Self.text(x + 9))\" y=\"48\" fill=\"#495057\">\(name)</text>",
      ]
    }
  }

  private func draw(_ line: Line, y: Double, _ place: (Double) -> Double) -> [String] {
    let baseline = Self.text(y + 4)
    let isMissed = line.target.map { line.own > $0 } ?? false
    let ends = line.marks.map { place($0.value) }
    var parts = [
      "<text x=\"12\" y=\"\(baseline)\" fill=\"#212529\">\(line.id)</text>",
      "<path d=\"M\(Self.text(ends.min() ?? 0)) \(Self.text(y))H\(Self.text(ends.max() ?? 0))\" stroke=\"#e9ecef\"/>",
    ]
    if let target = line.target {
      let x = Self.text(place(target))
      parts.append("<path d=\"M\(x) \(Self.text(y - 6))V\(Self.text(y + 6))\" stroke=\"#212529\"/>")
    }
    parts += line.marks.map { Self.circle(place($0.value), y, $0.series) }
    parts.append(
      "<text x=\"\(Self.text(Self.width - 12))\" y=\"\(baseline)\" text-anchor=\"end\""
        + " fill=\"\(isMissed ? "#868e96" : Self.colours[0])\">\(BenchmarkTable.number(line.own))</text>")
    return parts
  }

  private static func circle(_ x: Double, _ y: Double, _ series: Int) -> String {
    let colour = colours[min(series, colours.count - 1)]
    return "<circle cx=\"\(text(x))\" cy=\"\(text(y))\" r=\"\(series == 0 ? 6 : 4)\" fill=\"\(colour)\"/>"
  }

  /// A coordinate, to a tenth.
  private static func text(_ value: Double) -> String { String(format: "%.1f", value) }
}
