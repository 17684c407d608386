import ArgumentParser
import ImageTool
import Manifest

/// `apus check`: finds every mistake in a configuration.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Find every mistake in a configuration.",
    discussion: """
      Reads the files and all that they name, and tells every mistake in all of them in one run: where it is, what is \
      wrong and what would be right.

      Examples:
        ./apus check                                    check the demo
        ./apus check system.toml                        check a system with its VMs
        ./apus check a.toml b.toml --cpus 2 --memory 1GiB   check VMs for a machine
      """)

  @OptionGroup var arguments: ConfigurationArguments

  func run() throws {
    try reportingFailures {
      let system = try arguments.load()
      let machine =
        "a machine of \(system.architecture.name), \(system.machine.cpus) CPUs, \(ByteSize.text(system.machine.memory))"
      print("no mistakes in \(system.files.count) files: \(system.vmNames.joined(separator: ", ")) on \(machine)")
    }
  }
}
