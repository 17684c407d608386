import ArgumentParser
import Foundation
import Manifest

/// `apus test`: every test there is.
struct TestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test", abstract: "Run every test there is.",
    discussion: """
      The format of the sources, the host tests, boots of the hypervisor on an emulated machine, and what exits cost \
      there. What could not be run is told as such and fails the whole, as a failed test does. Consoles and results of \
      the boots stay in .build/boots.

      Examples:
        ./apus test             everything of the short tier
        ./apus test --long      also the long boots
        ./apus test boot        the boots only (lint, host, image, boot and bench can be named)
        ./apus test boot --arch riscv64  the boots on one architecture
        ./apus test PSCI        the tests with PSCI in their name
      """)

  @Option(
    help: ArgumentHelp(
      "An architecture to boot; can be given several times. Without it: all that there are.",
      valueName: Architecture.allValueStrings.joined(separator: "|")))
  var arch: [Architecture] = []

  @Flag(help: "Also run what takes long: ten times as many seeds of the simulations, the long boots.")
  var long = false

  @Flag(help: "Install missing packages without asking.")
  var yes = false

  @Argument(help: "lint, host, image, boot, bench, or a part of tests' names; everything where it is not given.")
  var filter: String?

  /// The kinds of tests, in the order in which they run.
  private enum Kind: String, CaseIterable {
    case lint, host, image, boot, bench
  }

  func run() throws {
    try reportingFailures {
      let repository = try Repository.current()
      var report = TestReport(hasColours: Terminal.outputHasColours)
      let kinds = filter.flatMap(Kind.init(rawValue:)).map { [$0] } ?? Kind.allCases
      let part = filter.flatMap { Kind(rawValue: $0) == nil ? $0 : nil }
      let architectures =
        arch.isEmpty
        ? Architecture.allCases.filter { HypervisorBuild(repository: repository, architecture: $0).hasSources } : arch
      try HostPackages.require(
        architectures.flatMap(HostPackages.toRun) + HostPackages.toTest, consent: yes ? .given : .ask)
      for architecture in architectures { try HostPackages.checkEmulator(architecture) }

      let host = HostTests(repository: repository)
      if kinds.contains(.lint), part == nil { try lint(host, &report) }
      if kinds.contains(.host) { try runHostTests(host, part, &report) }
      for architecture in architectures {
        if kinds.contains(.image) { try examineImage(repository, architecture, part, &report) }
        if kinds.contains(.boot) { try boot(repository, architecture, part, &report) }
        if kinds.contains(.bench) { try bench(repository, architecture, part, &report) }
      }

      tell(report.summary)
      if !report.isSuccess { throw ExitCode(Failure.Kind.failed.rawValue) }
    }
  }

  private func lint(_ host: HostTests, _ report: inout TestReport) throws {
    let start = ContinuousClock.now
    let outcome = try host.lint()
    tell(report.add("lint", "swift format", outcome, Progress.seconds(since: start)))
  }

  private func runHostTests(_ host: HostTests, _ part: String?, _ report: inout TestReport) throws {
    let start = ContinuousClock.now
    let result = try host.run(filter: part, seeds: long ? 100_000 : nil)
    for line in result.failures + result.closing { tell("        " + line) }
    report.count(passed: result.passed, failed: result.failed)
    let word = result.failed == 0 ? "pass" : "FAIL"
    tell(
      "\(word)  host: \(result.passed) passed, \(result.failed) failed (\(Progress.seconds(since: start)));"
        + " all of it in .build/tests/host.log")
  }

  private func boot(
    _ repository: Repository, _ architecture: Architecture, _ part: String?, _ report: inout TestReport
  ) throws {
    let all = try BootTest.all(in: repository.file("Tests/Boot"))
    let chosen = all.filter { entry in
      entry.test.runs(on: architecture) && (long || entry.test.tier != .long)
        && (part.map { entry.test.name.contains($0) } ?? true)
    }
    guard !chosen.isEmpty else { return }
    let problem = buildProblem(repository, architecture)
    let runner = BootRunner(repository: repository, architecture: architecture, hypervisorProblem: problem)
    runner.prepare(chosen)
    for (file, test) in chosen {
      let start = ContinuousClock.now
      let outcome = Progress.shared.step("boot", "\(architecture.name): \(test.name)") { _ in
        (runner.run(test, file: file), nil)
      }
      tell(report.add("boot", "\(architecture.name): \(test.name)", outcome, Progress.seconds(since: start)))
    }
  }

  /// Looks through the linked image's exit path, and says how long each row's is.
  private func examineImage(
    _ repository: Repository, _ architecture: Architecture, _ part: String?, _ report: inout TestReport
  ) throws {
    let name = "\(architecture.name): \(ExitPathTest.name)"
    guard part.map({ name.contains($0) }) ?? true, let rules = ExitPathRules.rules(for: architecture) else { return }
    let start = ContinuousClock.now
    if let problem = buildProblem(repository, architecture) {
      tell(report.add("image", name, .notRun(problem), Progress.seconds(since: start)))
      return
    }
    let (outcome, lines) = ExitPathTest.run(repository, architecture, rules)
    tell(report.add("image", name, outcome, Progress.seconds(since: start)))
    for line in lines { tell("        " + line) }
  }

  /// Measures what our own guest can, beside the stored figures.
  private func bench(
    _ repository: Repository, _ architecture: Architecture, _ part: String?, _ report: inout TestReport
  ) throws {
    let name = "\(architecture.name): no row costs over 2 % more than Benchmarks says"
    guard part.map({ name.contains($0) }) ?? true, BenchmarkFigures.file(architecture, in: repository).exists else {
      return
    }
    let start = ContinuousClock.now
    let outcome =
      buildProblem(repository, architecture).map(TestReport.Outcome.notRun)
      ?? BenchmarkTest.run(repository, architecture)
    tell(report.add("bench", name, outcome, Progress.seconds(since: start)))
  }

  /// Builds the hypervisor; what went wrong where it does not build.
  private func buildProblem(_ repository: Repository, _ architecture: Architecture) -> String? {
    do {
      try HypervisorBuild(repository: repository, architecture: architecture).build()
      return nil
    } catch {
      return error.description
    }
  }

  /// A line of the report, on the standard output at once.
  private func tell(_ line: String) {
    writeAll(Array((line + "\n").utf8), to: STDOUT_FILENO)
  }
}
