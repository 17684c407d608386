import Foundation

/// The format check and the host tests.
struct HostTests {
  let repository: Repository

  /// The result of `swift test`.
  struct Result {
    var passed: Int
    var failed: Int
    /// The runner's own closing lines.
    var closing: [String]
    /// The lines that tell of failures.
    var failures: [String]
  }

  func lint() throws(Failure) -> TestReport.Outcome {
    let paths = ["Sources", "Tests", "Guests", "Package.swift"].map { repository.file($0) }.filter(\.exists)
    let result = try Progress.shared.step("lint", "swift format lint") { _ throws(Failure) in
      (try Tool.run("swift", ["format", "lint", "--strict", "--recursive"] + paths.map(\.path)), nil)
    }
    return result.succeeded ? .passed : .failed(result.error + result.output)
  }

  /// - Parameter seeds: How many seeds the simulations go through; nil for what they do by themselves.
  func run(filter: String?, seeds: Int?) throws(Failure) -> Result {
    let log = repository.build.appending(path: "tests/host.log")
    let result = try Progress.shared.step("tests", "swift test") { step throws(Failure) in
      let filtered = filter.map { ["--filter", NSRegularExpression.escapedPattern(for: $0)] } ?? []
      let environment = seeds.map { ["APUS_SEEDS": String($0)] } ?? [:]
      let result = try Tool.run(
        "swift", ["test", "--package-path", repository.root.path] + filtered, environment: environment
      ) { step.note($0) }
      return (result, nil)
    }
    try log.writeAtomically(Data((result.output + result.error).utf8))
    return Self.parse(result.output + "\n" + result.error, status: result.status)
  }

  /// Reads what Swift Testing prints. A run that failed without a failed test (it did not build, it crashed) counts
  /// as one failure.
  static func parse(_ output: String, status: Int32) -> Result {
    var result = Result(passed: 0, failed: 0, closing: [], failures: [])
    for line in output.split(separator: "\n").map(String.init) {
      if line.contains(#/^. Test run with /#) {
        if line.contains(" passed ") || line.contains(" failed ") { result.closing.append(line) }
      } else if line.contains(#/^. Test .* passed after /#) {
        result.passed += 1
      } else if line.contains(#/^. Test .* failed after /#) {
        result.failed += 1
      }
      if line.contains(#/^. (Test|Suite) .*recorded an issue|: error: |^error: |Fatal error/#) {
        result.failures.append(line)
      }
    }
    if status != 0 && result.failed == 0 {
      result.failed = 1
      if result.failures.isEmpty { result.failures = output.split(separator: "\n").suffix(20).map(String.init) }
    }
    return result
  }
}
