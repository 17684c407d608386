import ArgumentParser
import Foundation
import Manifest

/// `apus bench`: what things cost, in instructions.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Count what exits, interrupts and boots cost, in instructions.",
    discussion: """
      Runs our own guest on the bare machine and inside Apus, under QEMU counting instructions, and prints the figures \
      beside those of other hypervisors. A run gives the same figures as the one before, whatever else this machine \
      does.

      Examples:
        ./apus bench                     everything
        ./apus bench --row hvc_null ipi  two rows
        ./apus bench --peer xen          also boot our guest under Debian's Xen
        ./apus bench --compare           fail where a row got worse than Benchmarks/ says
        ./apus bench --store             write the figures to Benchmarks/, and the picture of them
        ./apus bench --picture a.svg     draw the figures that are stored there, without measuring
      """)

  @Option(help: "The architecture to measure.")
  var arch: Architecture = .aarch64

  /// A hypervisor that can be measured beside ours, here and now.
  enum Peer: String, ExpressibleByArgument, CaseIterable {
    case xen
  }

  @Option(help: "Also measure another hypervisor: Debian's Xen 4.17.")
  var peer: Peer?

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(help: "Fail where a row costs over 2 % more than the figures stored in Benchmarks/.")
  var compare = false

  @Flag(help: "Write the figures, and their picture, to Benchmarks/.")
  var store = false

  @Option(
    help: ArgumentHelp("Draw the figures that are stored in Benchmarks/, without measuring.", valueName: "file"),
    completion: .file(extensions: ["svg"]))
  var picture: String?

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Only these rows.", valueName: "id"))
  var row: [String] = []

  @Flag(help: "Install missing packages without asking.")
  var yes = false

  func run() throws {
    try reportingFailures {
      let repository = try Repository.current()
      let definition = try BenchmarkRows.load(arch, from: repository)
      if let picture {
        let stored = try BenchmarkFigures.load(arch, from: repository)
        try URL(filePath: picture).writeAtomically(
          Data(BenchmarkPicture(definition: definition, figures: stored).svg.utf8))
        return
      }
      let rows = try definition.selected(row)
      try HostPackages.require(
        HostPackages.toRun(arch) + (peer == nil ? [] : HostPackages.toTest), consent: yes ? .given : .ask)
      try HostPackages.checkEmulator(arch)
      let build = HypervisorBuild(repository: repository, architecture: arch)
      try build.build()
      let runner = BenchmarkRunner(build: build)
      var figures = try runner.measure(rows)
      if peer == .xen { try runner.addXen(to: &figures, rows) }
      print(json ? figures.json : BenchmarkTable(definition: definition, figures: figures).text, terminator: "")
      if !json { print() }
      if compare { try compare(figures, repository) }
      if store { try store(figures, definition, repository) }
    }
  }

  private func compare(_ figures: BenchmarkFigures, _ repository: Repository) throws(Failure) {
    let comparison = try BenchmarkComparison(figures, with: try BenchmarkFigures.load(arch, from: repository))
    for change in comparison.improvements { Progress.shared.say("better", change.description) }
    guard !comparison.regressions.isEmpty else {
      Progress.shared.say("compared", "no row got worse than what is stored")
      return
    }
    throw Failure(
      .failed, "rows got worse by more than 2 %:\n" + comparison.regressions.map { "  \($0)" }.joined(separator: "\n"))
  }

  private func store(
    _ figures: BenchmarkFigures, _ definition: BenchmarkRows, _ repository: Repository
  ) throws(Failure) {
    let file = BenchmarkFigures.file(arch, in: repository)
    var stored = figures
    if file.exists {
      stored = figures.merged(
        over: try BenchmarkFigures.load(arch, from: repository), order: definition.rows.map(\.id))
    }
    stored.commit = try Self.commit(of: repository)
    try file.writeAtomically(Data(stored.json.utf8))
    let picture = BenchmarkPicture.file(arch, in: repository)
    try picture.writeAtomically(Data(BenchmarkPicture(definition: definition, figures: stored).svg.utf8))
    Progress.shared.say("stored", "\(file.pathFromHere), \(picture.pathFromHere)")
  }

  /// What is measured: the commit, with `+` where the sources of the image or the guests are not as it has them.
  private static func commit(of repository: Repository) throws(Failure) -> String {
    let git = ["-C", repository.root.path]
    let commit = try Tool.output("git", git + ["rev-parse", "--short=12", "HEAD"], otherwise: .missing)
    let changed = try Tool.output(
      "git", git + ["status", "--porcelain", "--", "Sources", "Guests", "Package.swift"], otherwise: .missing)
    let isChanged = changed.split(separator: "\n").contains { !$0.contains("Sources/apus/") }
    return commit.trimmingCharacters(in: .whitespacesAndNewlines) + (isChanged ? "+" : "")
  }
}
