import ArgumentParser
import Foundation
import ImageTool
import Manifest

/// `apus run`: from a configuration to VMs that run, on a machine that QEMU emulates.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Boot VMs on an emulated machine.",
    usage: "apus run [options] [<files> ...] [-- <arguments for QEMU> ...]",
    discussion: """
      Builds the hypervisor, gets the guests that the configuration names, checks the configuration, writes the bundle \
      and boots QEMU. With a terminal on the standard input, keys go to the VM in focus: Ctrl-X and a digit, n or p \
      choose it, Ctrl-X k stops it, Ctrl-X q ends everything. Without one the guests look at themselves, power off, \
      and the exit status says what came of it.

      Examples:
        ./apus run                             the demo: two Linux VMs of two CPUs each
        ./apus run --arch riscv64              the same on another architecture
        ./apus run --cpus 1                    the same on a machine with one CPU
        ./apus run mine.toml other.toml        two VMs of yours
        ./apus run --gdb                       wait for a debugger on port 1234
        ./apus run -- -d int -D exceptions.log more arguments for QEMU
      """)

  @Option(help: "QEMU's machine; `virt` gets the options that a hypervisor needs, anything else is taken as it is.")
  var machine = "virt"

  @Option(help: ArgumentHelp("QEMU's CPU model, instead of the architecture's usual one.", valueName: "model"))
  var cpuModel: String?

  @Option(help: "What the hypervisor tells, instead of what the configuration says.")
  var log: LogLevel?

  @Flag(help: "Wait for a debugger on TCP port 1234 before the first instruction.")
  var gdb = false

  @Flag(help: "Do everything but start QEMU; print its command.")
  var dryRun = false

  @Flag(help: "Install missing packages without asking.")
  var yes = false

  @OptionGroup var arguments: ConfigurationArguments

  /// A boot without a terminal ends itself in about a minute; this is for slow machines.
  private static let timeLimit: Duration = .seconds(900)

  func run() throws {
    try reportingFailures {
      let repository = try Repository.current()
      let isInteractive = Terminal.isInputTerminal
      let arch = try arguments.architecture()

      try HostPackages.require(HostPackages.toRun(arch), consent: yes ? .given : .ask)
      try HostPackages.checkEmulator(arch)
      let build = HypervisorBuild(repository: repository, architecture: arch)
      try build.build()
      let configuration = try configurationWithGuests(repository, arch)

      let token = Verdict.makeToken()
      let folder = repository.build.appending(path: "run/\(arch.name)", directoryHint: .isDirectory)
      let command = try prepare(configuration, build, folder, token, isInteractive: isInteractive)
      if dryRun {
        print(command.shellText)
        return
      }
      announce(command, build, isInteractive: isInteractive)
      let session = ConsoleSession(command: command, token: token, log: folder.appending(path: "console.log"))
      // A debugger takes its time.
      let limit = gdb ? Duration.seconds(24 * 3600) : Self.timeLimit
      let outcome = try session.run(isInteractive ? .terminal : .output(limit: limit))
      try outcome.check(build, allowsResets: isInteractive)
    }
  }

  /// The configuration that was asked for, with the guests it names in the cache.
  private func configurationWithGuests(
    _ repository: Repository, _ arch: Architecture
  ) throws(Failure) -> BootConfiguration {
    let store = GuestStore(repository: repository, architecture: arch)
    func configuration(_ paths: [String]) -> BootConfiguration {
      BootConfiguration(paths: paths, store: store, cpus: arguments.cpus, memory: arguments.memory)
    }
    let wanted = configuration(try arguments.paths())
    do {
      for kit in wanted.kits { try store.get(kit) }
      return wanted
    } catch {
      guard arguments.files.isEmpty, error.kind == .missing else { throw error }
      Progress.shared.fail(error.description)
      Progress.shared.say("guests", "the Linux guests are not to be had; Apus's own small guest runs instead")
      return configuration([repository.file("Configs/smoke.toml").pathFromHere])
    }
  }

  /// Checks the configuration, writes the bundle and says how QEMU is to be started.
  private func prepare(
    _ configuration: BootConfiguration, _ build: HypervisorBuild, _ folder: URL, _ token: String, isInteractive: Bool
  ) throws(Failure) -> QEMUCommand {
    let bundle = folder.appending(path: "bundle")
    let system = try Progress.shared.step("bundle", "checking the configuration") { _ throws(Failure) in
      let system = try configuration.write(
        to: bundle,
        BootConfiguration.Changes(
          append: isInteractive ? nil : "apus.selftest", stopsOnReset: !isInteractive, logLevel: log))
      let size = (bundle.byteCount ?? 0) >> 20
      return (system, "\(configuration.paths.joined(separator: ", ")): checked, bundle of \(size) MiB")
    }
    return QEMUCommand(
      architecture: build.architecture, machine: QEMUCommand.hypervisorMachine(machine, build.architecture),
      cpuModel: cpuModel ?? build.architecture.emulated.cpuModel, cpus: system.cpus, memory: "\(system.memory >> 20)M",
      start: .kernel(
        build.image.path, initrd: bundle.path,
        bootArguments: "apus.token=\(token)" + (isInteractive ? " apus.focus=1" : "")), waitsForDebugger: gdb,
      additional: PassedArguments.ofThisProcess.additional)
  }

  private func announce(_ command: QEMUCommand, _ build: HypervisorBuild, isInteractive: Bool) {
    let progress = Progress.shared
    progress.say("machine", "\(command.cpus) × \(command.cpuModel), \(command.memory), \(command.executable)")
    if gdb {
      progress.say(
        "debugger",
        "gdb-multiarch -ex 'target remote :1234' -ex 'hbreak main' -ex continue \(build.linked.pathFromHere)")
    }
    guard isInteractive else { return }
    progress.say("console", "Ctrl-C goes to the VM in focus.  Ctrl-X 1…9, n, p: focus   Ctrl-X k: stop that VM")
    progress.say("", progress.style("1", "Ctrl-X q ends everything.") + "  Ctrl-X Ctrl-X sends Ctrl-X.")
  }
}
