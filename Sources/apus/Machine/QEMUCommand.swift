import Manifest

/// How QEMU is started: the machine, what it boots, and a console on the standard input and output.
struct QEMUCommand: Equatable {
  /// What the machine runs first.
  enum Start: Equatable {
    /// QEMU is the boot loader: it loads the image and its initial ramdisk, and writes the boot arguments.
    case kernel(String, initrd: String?, bootArguments: String)
    /// A firmware runs, and finds files in memory.
    case firmware(String, loaded: [LoadedFile])
  }

  struct LoadedFile: Equatable {
    let path: String
    let address: UInt64
  }

  /// Debian 12's; older ones were never tried.
  static let oldestVersion = (major: 7, minor: 2)

  var architecture: Architecture
  /// As QEMU's `-M` takes it.
  var machine: String
  /// As QEMU's `-cpu` takes it.
  var cpuModel: String
  var cpus: Int
  /// As QEMU's `-m` takes it: a number of MiB, or with a letter for the unit.
  var memory: String
  var start: Start
  /// Waits for a debugger on TCP port 1234 before the first instruction.
  var waitsForDebugger = false
  /// What the user adds.
  var additional: [String] = []

  var executable: String { architecture.emulated.executable }

  /// The machine that `name` stands for: `virt` alone is `virt` with what a hypervisor needs; anything else is taken
  /// as it stands.
  static func hypervisorMachine(_ name: String, _ architecture: Architecture) -> String {
    name == "virt" ? architecture.emulated.hypervisorMachine : name
  }

  var arguments: [String] {
    var arguments = [
      "-M", machine, "-cpu", cpuModel, "-smp", "\(cpus)", "-m", memory, "-nodefaults", "-no-reboot", "-display", "none",
      // Without signal=off a Ctrl-C in the stream would end QEMU.
      "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
    ]
    switch start {
    case .kernel(let kernel, let initrd, let bootArguments):
      arguments += ["-kernel", kernel]
      if let initrd { arguments += ["-initrd", initrd] }
      if !bootArguments.isEmpty { arguments += ["-append", bootArguments] }
    case .firmware(let firmware, let loaded):
      arguments += ["-bios", firmware]
      for file in loaded {
        let address = "0x" + String(file.address, radix: 16)
        arguments += ["-device", "loader,file=\(file.path),addr=\(address),force-raw=on"]
      }
    }
    if waitsForDebugger { arguments += ["-S", "-s"] }
    return arguments + additional
  }

  /// The command as a shell takes it.
  var shellText: String {
    ([executable] + arguments).map(Self.quoted).joined(separator: " ")
  }

  private static func quoted(_ word: String) -> String {
    let isPlain = word.wholeMatch(of: /[A-Za-z0-9_.,:=\/+@%\-]+/) != nil
    return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
  }

  /// The version in the first line of `qemu-system-… --version`.
  static func version(in output: String) -> (major: Int, minor: Int)? {
    guard let match = output.firstMatch(of: /version (\d+)\.(\d+)/), let major = Int(match.1), let minor = Int(match.2)
    else { return nil }
    return (major, minor)
  }
}
