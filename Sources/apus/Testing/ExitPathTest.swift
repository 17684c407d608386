import Foundation
import Manifest

/// The test of the linked image: what must not be on the exit path is not there.
enum ExitPathTest {
  static let name = "nothing on the exit path allocates, counts references, copies memory or uses floating point"

  /// The outcome, and a line for each row of the benchmark.
  static func run(
    _ repository: Repository, _ architecture: Architecture, _ rules: ExitPathRules
  ) -> (outcome: TestReport.Outcome, lines: [String]) {
    do throws(Failure) {
      let image = HypervisorBuild(repository: repository, architecture: architecture).linked
      let toolchain = try Toolchain.current()
      let listing = try Tool.output(toolchain.program("llvm-objdump"), ["-d", "--no-show-raw-insn", image.path])
      let symbols = try Tool.output(toolchain.program("llvm-nm"), ["--numeric-sort", "--special-syms", image.path])
      let path = ExitPath(Disassembly(listing: listing, symbols: symbols), rules)
      var problems = path.problems()
      var lines: [String] = []
      for row in rules.rows {
        guard let count = path.straightPath(of: row) else {
          problems.append("\(row.id): there is no way through \(row.way.joined(separator: ", "))")
          continue
        }
        lines.append("\(row.id): \(count) instructions from the handler's first to its last")
      }
      return (problems.isEmpty ? .passed : .failed(problems.joined(separator: "\n")), lines)
    } catch {
      return (.failed(error.description), [])
    }
  }
}
