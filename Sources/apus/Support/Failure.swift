import ArgumentParser

/// Why a command ends without having done what was asked. Each case is one exit status, listed in
/// Documentation/CommandLine.md.
struct Failure: Error, CustomStringConvertible {
  /// The exit statuses of the command line besides 0, the parser's 64 (usage) and 128 + signal number.
  enum Kind: Int32, CaseIterable {
    case failed = 1  // A VM or a test failed, or a step could not be done.
    case configuration = 2  // The configuration has mistakes.
    case missing = 3  // Something that is needed is not here: a package, the toolchain, the network.
    case build = 4  // A build failed.
    case noVerdict = 5  // The hypervisor ended without its verdict: panic, crash or time limit.
  }

  let kind: Kind
  let description: String

  init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}

/// Runs the body of a command: a failure is told on the standard error and becomes the exit status.
func reportingFailures(_ body: () throws -> Void) throws {
  do {
    try body()
  } catch let failure as Failure {
    Progress.shared.fail(failure.description)
    throw ExitCode(failure.kind.rawValue)
  }
}
