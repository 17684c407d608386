import Manifest

/// What QEMU needs to emulate a machine of one architecture.
struct EmulatedMachine: Equatable {
  let executable: String
  /// Debian's packages that may hold it, the newer Debian's name first.
  let packages: [String]
  /// A file that `-bios default` takes, and the package that holds it; nil where QEMU needs no firmware.
  let firmware: HostPackages.Requirement?
  /// What `virt` stands for where the hypervisor boots, which needs the means of virtualization.
  let hypervisorMachine: String
  /// What `virt` stands for where a guest boots on the bare machine.
  let nativeMachine: String
  let cpuModel: String
}

extension Architecture {
  var emulated: EmulatedMachine {
    switch self {
    case .aarch64:
      EmulatedMachine(
        executable: "qemu-system-aarch64", packages: ["qemu-system-arm"], firmware: nil,
        hypervisorMachine: "virt,virtualization=on,gic-version=3", nativeMachine: "virt,gic-version=3",
        cpuModel: "cortex-a57")
    case .riscv64:
      EmulatedMachine(
        executable: "qemu-system-riscv64", packages: ["qemu-system-riscv", "qemu-system-misc"],
        firmware: .file("/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin", packages: ["opensbi"]),
        hypervisorMachine: "virt", nativeMachine: "virt", cpuModel: "rv64,h=true")
    case .x86_64:
      EmulatedMachine(
        executable: "qemu-system-x86_64", packages: ["qemu-system-x86"], firmware: nil,
        hypervisorMachine: "q35", nativeMachine: "q35", cpuModel: "EPYC")
    }
  }
}
