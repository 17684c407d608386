import Manifest

/// The machines on which instructions are counted. Everything about them that differs between architectures is here.
struct BenchmarkMachine {
  let architecture: Architecture

  /// One tick of the guest's counter is one instruction.
  var cpuModel: String {
    switch architecture {
    case .aarch64: "cortex-a57,cntfrq=1000000000"
    case .riscv64: "rv64,h=true"
    case .x86_64: "EPYC"
    }
  }

  /// What the plugin must know of the hypervisor's image: its argument, a symbol, and the distance from it.
  var hypervisorPlaces: [(argument: String, symbol: String, offset: UInt64)] {
    switch architecture {
    case .aarch64:
      [
        ("hypervisor", "__image_start", 0), ("end", "__text_end", 0),
        // Vectors for exceptions from a lower level in AArch64 state (Arm ARM DDI 0487, D1.3.1).
        ("synchronous", "hypervisor_vectors", 0x400), ("interrupt", "hypervisor_vectors", 0x480),
      ]
    case .riscv64, .x86_64:
      [("hypervisor", "__image_start", 0), ("end", "__text_end", 0)]
    }
  }

  /// Words for a Linux kernel that is measured, beside `quiet`.
  var linuxConsole: String {
    switch architecture {
    case .aarch64: "console=ttyAMA0"
    case .riscv64, .x86_64: "console=ttyS0"
    }
  }

  /// The virtual clock advances 1 ns an instruction and depends on nothing else, and nothing is random.
  static let counting = ["-icount", "shift=0,sleep=off", "-rtc", "base=2020-01-01,clock=vm", "-seed", "1"]

  /// Bytes of the machine.
  static let memory: UInt64 = 2 << 30

  /// Boots `start` without a hypervisor.
  func native(_ start: QEMUCommand.Start, cpus: Int, memory: UInt64 = Self.memory) -> QEMUCommand {
    command(machine: architecture.emulated.nativeMachine, start, cpus: cpus, memory: memory)
  }

  /// Boots the hypervisor with a bundle. The verdict's token is fixed: every run executes the same.
  func hypervisor(
    _ image: String, bundle: String?, bootArguments: String = "apus.token=0", cpus: Int, memory: UInt64 = Self.memory
  ) -> QEMUCommand {
    command(
      machine: QEMUCommand.hypervisorMachine("virt", architecture),
      .kernel(image, initrd: bundle, bootArguments: bootArguments), cpus: cpus, memory: memory)
  }

  private func command(machine: String, _ start: QEMUCommand.Start, cpus: Int, memory: UInt64) -> QEMUCommand {
    QEMUCommand(
      architecture: architecture, machine: machine, cpuModel: cpuModel, cpus: cpus, memory: "\(memory >> 20)M",
      start: start, additional: Self.counting)
  }

  /// QEMU's version in words: `7.2.22`.
  func emulatorVersion() throws(Failure) -> String {
    let output = try Tool.output(architecture.emulated.executable, ["--version"], otherwise: .missing)
    guard let match = output.firstMatch(of: /version (\d+(?:\.\d+)+)/) else {
      throw Failure(.missing, "QEMU does not say its version: \(output)")
    }
    return String(match.1)
  }
}
