import Foundation

/// What the command line uses of the machine that it runs on.
enum HostEnvironment {
  /// Our environment, without what would turn the package into the bare machine's.
  static let variables: [String: String] = {
    var variables = ProcessInfo.processInfo.environment
    variables["APUS_ARCH"] = nil
    return variables
  }()

  /// The command line itself.
  static let executable = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path

  static var wantsColours: Bool { variables["NO_COLOR"].map(\.isEmpty) ?? true }

  /// The path of a program on the PATH, nil where there is none.
  static func find(_ program: String) -> String? {
    // Debian keeps the administrator's programs out of other users' PATH.
    let path = (variables["PATH"] ?? "/usr/local/bin:/usr/bin:/bin") + ":/usr/sbin:/sbin"
    return path.split(separator: ":").map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
  }
}
