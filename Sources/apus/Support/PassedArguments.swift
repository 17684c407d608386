/// The arguments of `run`, cut at `--`: the parser takes no second list after the configuration's files.
struct PassedArguments: Equatable {
  /// For the parser.
  let own: [String]
  /// For QEMU.
  let additional: [String]

  static let ofThisProcess = PassedArguments(Array(CommandLine.arguments.dropFirst()))

  init(_ arguments: [String]) {
    guard arguments.first == RunCommand.configuration.commandName, let cut = arguments.firstIndex(of: "--") else {
      own = arguments
      additional = []
      return
    }
    own = Array(arguments[..<cut])
    additional = Array(arguments[(cut + 1)...])
  }
}
