import ArgumentParser
import Manifest
import Testing

@testable import apus

struct OptionTests {
  @Test func argumentsAfterTheDashesAreQEMUs() {
    let passed = PassedArguments(["run", "a.toml", "--", "-d", "int", "--"])
    #expect(passed.own == ["run", "a.toml"])
    #expect(passed.additional == ["-d", "int", "--"])
  }

  @Test func dashesOfOtherCommandsAreTheirOwn() {
    #expect(PassedArguments(["check", "--", "a.toml"]).own == ["check", "--", "a.toml"])
  }

  @Test func runTakesItsOptions() throws {
    let run = try RunCommand.parse(["--cpus", "2", "--memory", "1GiB", "--log", "debug", "a.toml", "b.toml", "--gdb"])
    #expect(run.arguments.cpus == 2)
    #expect(run.arguments.memory == 1 << 30)
    #expect(run.arguments.files == ["a.toml", "b.toml"])
    #expect(run.log == .debug)
    #expect(run.gdb && !run.dryRun && !run.yes)
    #expect(run.arguments.arch == nil)
    #expect(try RunCommand.parse(["--arch", "riscv64"]).arguments.arch == .riscv64)
  }

  @Test(arguments: [["--log", "loud"], ["--memory", "many"], ["--cpus", "0"], ["--arch", "m68k"], ["--nothing"]])
  func wrongOptionsAreRefused(arguments: [String]) {
    #expect(throws: (any Error).self) { try RunCommand.parse(arguments) }
  }

  @Test func guestThatDoesNotExistIsRefused() throws {
    #expect(throws: (any Error).self) { try GuestsCommand.parse(["--get", "amiga"]) }
    #expect(try GuestsCommand.parse(["trixie-cloud"]).names == ["trixie-cloud"])
  }

  @Test func everyCommandHasAnExampleInItsHelp() {
    for command in Apus.configuration.subcommands {
      #expect(command.helpMessage().contains("./apus \(command.configuration.commandName ?? "")"))
    }
  }

  @Test func exitStatusesAreDocumentedOnes() {
    #expect(Failure.Kind.allCases.map(\.rawValue) == [1, 2, 3, 4, 5])
  }
}
