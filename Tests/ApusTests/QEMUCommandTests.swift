import Testing

@testable import apus

struct QEMUCommandTests {
  private var command: QEMUCommand {
    QEMUCommand(
      architecture: .aarch64, machine: QEMUCommand.hypervisorMachine("virt", .aarch64), cpuModel: "cortex-a57", cpus: 4,
      memory: "2G", start: .kernel("/b/Hypervisor.img", initrd: "/b/bundle", bootArguments: "apus.token=1 x=y"))
  }

  @Test func virtAloneGetsWhatAHypervisorNeeds() {
    #expect(QEMUCommand.hypervisorMachine("virt", .riscv64) == "virt")
    #expect(QEMUCommand.hypervisorMachine("virt", .aarch64) == "virt,virtualization=on,gic-version=3")
    #expect(QEMUCommand.hypervisorMachine("virt,gic-version=2", .aarch64) == "virt,gic-version=2")
  }

  @Test func argumentsNameMachineKernelBundleAndBootArguments() {
    let text = command.shellText
    #expect(text.hasPrefix("qemu-system-aarch64 -M virt,virtualization=on,gic-version=3 -cpu cortex-a57 -smp 4 -m 2G "))
    #expect(text.contains(" -kernel /b/Hypervisor.img -initrd /b/bundle -append 'apus.token=1 x=y'"))
    #expect(text.contains(" -nodefaults -no-reboot -display none "))
  }

  @Test func argumentsOfTheUserComeLast() {
    var command = command
    command.waitsForDebugger = true
    command.additional = ["-d", "int"]
    #expect(command.arguments.suffix(4) == ["-S", "-s", "-d", "int"])
  }

  @Test func firmwareFindsItsFilesInMemory() {
    var command = command
    command.start = .firmware("/u-boot.bin", loaded: [.init(path: "/image", address: 0x4400_0000)])
    #expect(command.shellText.hasSuffix(" -bios /u-boot.bin -device loader,file=/image,addr=0x44000000,force-raw=on"))
  }

  @Test func quoteInAnArgumentSurvivesTheShell() {
    var command = command
    command.start = .kernel("k", initrd: nil, bootArguments: "it's")
    #expect(command.shellText.hasSuffix(#"-append 'it'\''s'"#))
  }

  @Test func versionIsReadFromTheFirstLine() {
    let version = QEMUCommand.version(in: "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)\n")
    #expect(version?.major == 7)
    #expect(version?.minor == 2)
    #expect(QEMUCommand.version(in: "something else") == nil)
  }
}
