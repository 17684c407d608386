import ArgumentParser

/// The command line. `./apus` builds and starts it.
@main
struct Apus: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apus", abstract: "A type-1 hypervisor for aarch64, riscv64 and x86_64.",
    discussion: """
      Examples:
        ./apus run     boot the demo: two Linux VMs on an emulated machine
        ./apus test    run every test there is
      """,
    subcommands: [
      RunCommand.self, CheckCommand.self, BuildCommand.self, InspectCommand.self, GuestsCommand.self, TestCommand.self,
      BenchCommand.self,
    ])

  static func main() {
    Signals.watch()
    main(PassedArguments.ofThisProcess.own)
  }
}
