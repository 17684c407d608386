import DeviceTree
import Foundation
import Manifest
import Testing

@testable import ImageTool

/// Configurations without a mistake, and what becomes of them.
@Suite struct SystemDescriptionTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  @Test func vmWithTheLeastGetsTheUsualMachine() throws {
    let vm = try build("name = \"a\"\nmemory = \"64MiB\"\n[kernel]\npath = \"images/Image\"\n")
    #expect(vm.name == Array("a".utf8))
    #expect(vm.vcpus == [VCPUManifest(affinity: 0)])
    #expect(vm.memory.map(\.base.rawValue) == [0x4000_0000])
    #expect(vm.devices.map(\.kind) == [.uart, .clock])
    #expect(vm.devices.map(\.base.rawValue) == [0x0900_0000, 0x0901_0000])
    #expect(vm.devices.map(\.interrupt) == [1, 2])
    #expect(vm.deviceTree.source == .generated)
    #expect(vm.autostart && vm.onReset == .restart && vm.onFailure == .stop && vm.idle == .trapped)
    #expect(vm.bootProtocol == .linux && vm.commandLine.isEmpty && vm.logLevel == .info)
  }

  @Test func everyKeyReachesTheManifest() throws {
    let vm = try build(
      """
      name = "all.keys_1"
      memory = [{ address = 0x4000_0000, size = "32MiB" }, { address = 0x8000_0000, size = "4KiB" }]
      cpus = 2
      affinity = [[0], [3]]
      exclusive-cpus = true
      idle = "native"
      autostart = false
      on-reset = "stop"
      on-failure = "restart"
      log-level = "debug"
      command-line = "a b"
      boot-protocol = "raw"
      [kernel]
      path = "images/raw.bin"
      format = "raw"
      address = 0x4020_0000
      entry = 0x4020_0100
      [ramdisk]
      path = "images/ramdisk.cpio"
      address = 0x4100_0000
      [device-tree]
      address = 0x4000_1000
      [[image]]
      path = "images/text"
      address = 0x8000_0000
      [[device]]
      kind = "clock"
      address = 0x0a00_0000
      interrupt = 40
      """)
    #expect(vm.memory.map(\.byteCount) == [32 << 20, 4096])
    #expect(vm.vcpus.map(\.affinity) == [1, 8])
    #expect(vm.exclusiveCPUs && vm.idle == .native && !vm.autostart)
    #expect(vm.onReset == .stop && vm.onFailure == .restart && vm.logLevel == .debug && vm.bootProtocol == .raw)
    #expect(vm.commandLine == Array("a b".utf8))
    #expect(vm.entry.rawValue == 0x4020_0100)
    #expect(vm.deviceTree.address.rawValue == 0x4000_1000 && vm.deviceTree.source == .generated)
    #expect(vm.images.map(\.kind) == [.image, .kernel, .ramdisk])
    #expect(vm.images.map(\.guestAddress.rawValue) == [0x8000_0000, 0x4020_0000, 0x4100_0000])
    #expect(vm.devices.map(\.base.rawValue) == [0x0a00_0000] && vm.devices.map(\.interrupt) == [40])
  }

  @Test func movablePartsArePlacedFromTheBottomUp() throws {
    let vm = try build(TestFolder.vm(tables: "[ramdisk]\npath = \"images/ramdisk.cpio\""))
    #expect(vm.deviceTree.address.rawValue == 0x4000_0000)
    #expect(vm.images.map(\.kind) == [.kernel, .ramdisk])
    #expect(vm.images.map(\.guestAddress.rawValue) == [0x4020_0000, 0x4001_0000])
    #expect(vm.entry.rawValue == 0x4020_0000)
  }

  @Test func riscvKernelLiesLowestAndTheRestAboveIt() throws {
    let text = TestFolder.vm(kernel: "path = \"guest:demo/kernel\"", tables: "[ramdisk]\npath = \"guest:demo/ramdisk\"")
    let (bundle, vm) = try bundleAndVM(text, .riscv64)
    #expect(bundle.manifest.architecture == .riscv64)
    #expect(vm.memory.map(\.base.rawValue) == [0x8000_0000])
    #expect(vm.images.map(\.kind) == [.kernel, .ramdisk])
    // text_offset counts from the beginning of memory; the image takes 64 KiB, the tree as many.
    #expect(vm.images.map(\.guestAddress.rawValue) == [0x8020_0000, 0x8041_0000])
    #expect(vm.deviceTree.address.rawValue == 0x8040_0000)
    #expect(vm.entry.rawValue == 0x8020_0000)
    #expect(vm.devices.map(\.base.rawValue) == [0x1000_0000, 0x10_1000])
  }

  @Test func theSameFileDoesForBothArchitectures() throws {
    let text = TestFolder.vm(kernel: "path = \"guest:demo/kernel\"")
    #expect(try bundleAndVM(text, .aarch64).vm.entry.rawValue == 0x4020_0000)
    #expect(try bundleAndVM(text, .riscv64).vm.entry.rawValue == 0x8020_0000)
  }

  @Test(arguments: [(Architecture.aarch64, "riscv.Image", "an arm64 Image"), (.riscv64, "Image", "a riscv64 Image")])
  func kernelOfTheOtherArchitectureIsAMistake(_ architecture: Architecture, _ file: String, _ wanted: String) throws {
    try folder.write("vm.toml", TestFolder.vm(kernel: "path = \"images/\(file)\""))
    let finding = try #require(folder.load("vm.toml", architecture: architecture).findings.first)
    #expect(finding.message.hasPrefix("the file is no kernel: it is"))
    #expect(finding.advice?.hasPrefix(wanted) ?? false)
  }

  @Test(arguments: [(Architecture.aarch64, "riscv.elf", "243"), (.riscv64, "kernel.elf", "183")])
  func programOfTheOtherArchitectureIsAMistake(_ architecture: Architecture, _ file: String, _ number: String) throws {
    try folder.write("vm.toml", TestFolder.vm(kernel: "path = \"images/\(file)\""))
    let messages = folder.load("vm.toml", architecture: architecture).findings.map(\.message)
    #expect(messages == ["the ELF file is for another machine (number \(number))"])
  }

  @Test func systemForAnotherArchitectureThanAskedForIsAMistake() throws {
    try folder.write("vm.toml", TestFolder.vm(kernel: "path = \"guest:demo/kernel\""))
    try folder.write(
      "system.toml", "vms = [\"vm.toml\"]\n[machine]\narchitecture = \"riscv64\"\ncpus = 2\nmemory = \"1GiB\"\n")
    let path = folder.url.appending(path: "system.toml").path
    #expect(SystemDescription.statedArchitecture(paths: [path]) == .riscv64)
    #expect(folder.load("system.toml").system?.architecture == .riscv64)
    #expect(folder.load("system.toml", architecture: .riscv64).system?.architecture == .riscv64)
    let messages = folder.load("system.toml", architecture: .aarch64).findings.map(\.message)
    #expect(messages == ["the system is for riscv64, and aarch64 was asked for"])
  }

  @Test func riscvDeviceOverTheMachinesOwnIsAMistake() throws {
    let device = "[[device]]\nkind = \"clock\"\naddress = 0x10_0000"
    try folder.write("vm.toml", TestFolder.vm(kernel: "path = \"guest:demo/kernel\"", tables: device))
    let messages = folder.load("vm.toml", architecture: .riscv64).findings.map(\.message)
    #expect(messages == ["the device at 0x100000 to 0x100fff overlaps the test finisher (0x100000 to 0x100fff)"])
  }

  @Test(arguments: ["Image", "Image.gz", "zboot-gzip.efi", "zboot-zstd.efi"])
  func kernelIsInTheBundleAsPlainImage(_ file: String) throws {
    let (bundle, vm) = try bundleAndVM(TestFolder.vm(kernel: "path = \"images/\(file)\""))
    let image = try #require(vm.images.first)
    #expect(image.byteCount == 4096 && image.memoryByteCount == 0x1_0000)
    #expect(bytes(of: image, in: bundle) == Data(ImageFixtures.image()))
  }

  @Test(arguments: ["kernel.elf", "kernel.elf.gz"]) func segmentsOfELFFileGoWhereItSays(_ file: String) throws {
    let (bundle, vm) = try bundleAndVM(TestFolder.vm(kernel: "path = \"images/\(file)\""))
    #expect(vm.images.map(\.guestAddress.rawValue) == [0x4020_0000, 0x4020_1000])
    #expect(vm.images.map(\.byteCount) == [16, 0] && vm.images.map(\.memoryByteCount) == [16, 0x1000])
    #expect(vm.entry.rawValue == 0x4020_0004)
    #expect(bytes(of: vm.images[0], in: bundle) == Data(0..<16))
  }

  @Test func firmwareStartsAtItsAddressUnlessItSaysAnother() throws {
    let head = "name = \"a\"\nmemory = \"64MiB\"\n[firmware]\npath = \"images/raw.bin\"\naddress = 0x4020_0000\n"
    #expect(try build(head).entry.rawValue == 0x4020_0000)
    #expect(try build(head + "entry = 0x4020_0010\n").entry.rawValue == 0x4020_0010)
    #expect(try build(head).images.map(\.kind) == [.firmware])
  }

  @Test func rawProtocolWithoutDeviceTreeHasNone() throws {
    let vm = try build(TestFolder.vm("boot-protocol = \"raw\""))
    #expect(vm.deviceTree == .none)
  }

  @Test func suppliedDeviceTreeIsToldOfCommandLineAndRamdisk() throws {
    let (bundle, vm) = try bundleAndVM(
      TestFolder.vm(
        "command-line = \"new\"",
        tables: "[device-tree]\npath = \"images/guest.dtb\"\n[ramdisk]\npath = \"images/ramdisk.cpio\""))
    let chosen = try chosenProperties(of: vm, in: bundle)
    let ramdisk = try #require(vm.ramdisk)
    #expect(vm.deviceTree.source == .supplied)
    #expect(chosen["bootargs"] == Array("new".utf8) + [0])
    #expect(chosen["stdout-path"] == Array("/pl011@9000000".utf8) + [0])
    #expect(chosen["linux,initrd-start"]?.suffix(4) == bigEndian(ramdisk.base.rawValue).suffix(4))
    #expect(chosen["linux,initrd-end"]?.suffix(4) == bigEndian(ramdisk.base.rawValue + ramdisk.byteCount).suffix(4))
  }

  @Test func wordsOfOneBootGoIntoSuppliedDeviceTreeToo() throws {
    try folder.write("vm.toml", TestFolder.vm(tables: "[device-tree]\npath = \"images/guest.dtb\""))
    var system = try #require(folder.load("vm.toml").system)
    #expect(system.append(toCommandLines: "more").isEmpty)
    let bundle = try SystemBundle.read(SystemBundle.make(from: system).data)
    #expect(bundle.manifest.vms[0].commandLine == Array("old more".utf8))
    #expect(try chosenProperties(of: bundle.manifest.vms[0], in: bundle)["bootargs"] == Array("old more".utf8) + [0])
    #expect(system.append(toCommandLines: String(repeating: "x", count: 2040)) == ["a"])
  }

  @Test func vmsThatShareAFileShareItsBytesInTheBundle() throws {
    for name in ["a", "b"] {
      let text = TestFolder.vm().replacingOccurrences(of: "name = \"a\"", with: "name = \"\(name)\"")
      try folder.write("\(name).toml", text)
    }
    try folder.write(
      "system.toml", "vms = [\"a.toml\", \"b.toml\"]\nwhen-all-stopped = \"halt\"\nlog-level = \"notice\"\n")
    let system = try #require(folder.load("system.toml").system)
    let bundle = SystemBundle.make(from: system)
    #expect(bundle.manifest.whenAllStopped == .halt && bundle.manifest.logLevel == .notice)
    #expect(bundle.manifest.vms.map { $0.images[0].bundleOffset } == [4096, 4096])
    #expect(bundle.data.count == 8192)
    #expect(system.vmNames == ["a", "b"])
  }

  @Test func machineIsThatOfTheFileUnlessToldOtherwise() throws {
    try folder.write("a.toml", TestFolder.vm())
    try folder.write("system.toml", "vms = [\"a.toml\"]\n[machine]\ncpus = 3\nmemory = \"1GiB\"\n")
    #expect(folder.load("system.toml").system?.machine == MachineDescription(cpus: 3, memory: 1 << 30))
    let told = folder.load("system.toml", cpus: 1, memory: 512 << 20).system?.machine
    #expect(told == MachineDescription(cpus: 1, memory: 512 << 20))
    #expect(folder.load("a.toml").system?.machine == .standard)
  }

  @Test func machineOfTheCommandLineIsCheckedAgainst() throws {
    try folder.write("a.toml", TestFolder.vm("affinity = [[0], [2]]"))
    let findings = folder.load("a.toml", cpus: 2, memory: 64 << 20).findings
    #expect(findings.map(\.message).contains { $0.hasPrefix("CPU 2 does not exist: the machine has 2") })
    #expect(findings.map(\.message).contains { $0.contains("the VMs take 64 MiB, and it has 64 MiB") })
  }

  @Test func systemFileBesideAnotherFileIsAMistake() throws {
    try folder.write("a.toml", TestFolder.vm())
    try folder.write("system.toml", "vms = [\"a.toml\"]\n")
    #expect(
      folder.load("system.toml", "a.toml").findings.map(\.message) == ["a system file does not go with other files"])
  }

  @Test func fileThatIsNotThereIsAMistakeWithoutALine() {
    let messages = folder.messages(folder.load("nothing.toml"))
    #expect(messages == "nothing.toml: error: there is no such file\n  right: the path of a TOML file\n")
  }

  @Test func tooManyVMFilesAreAMistake() throws {
    for index in 0...16 {
      let text = "name = \"v\(index)\"\nmemory = \"1MiB\"\n[kernel]\npath = \"images/kernel.elf\"\n"
      try folder.write("\(index).toml", text.replacingOccurrences(of: "1MiB", with: "4MiB"))
    }
    let paths = (0...16).map { folder.url.appending(path: "\($0).toml").path }
    let findings = SystemDescription.load(paths: paths).findings
    #expect(findings.map(\.message) == ["there are 17 VMs"])
  }

  // MARK: Helpers

  private func build(_ text: String) throws -> VMManifest { try bundleAndVM(text).vm }

  /// The bundle of one VM, read back as the hypervisor does.
  private func bundleAndVM(_ text: String, _ architecture: Architecture = .aarch64) throws -> (
    bundle: SystemBundle, vm: VMManifest
  ) {
    try folder.write("vm.toml", text)
    let loaded = folder.load("vm.toml", architecture: architecture)
    #expect(folder.messages(loaded) == "")
    let bundle = try SystemBundle.read(SystemBundle.make(from: #require(loaded.system)).data)
    return (bundle, try #require(bundle.manifest.vms.first))
  }

  private func bytes(of image: ImagePlacement, in bundle: SystemBundle) -> Data {
    Data(bundle.data[Int(image.bundleOffset)..<Int(image.bundleOffset + image.byteCount)])
  }

  private func chosenProperties(of vm: VMManifest, in bundle: SystemBundle) throws -> [String: [UInt8]] {
    let image = try #require(vm.images.first { $0.kind == .deviceTree })
    return try [UInt8](bytes(of: image, in: bundle)).withUnsafeBytes { bytes in
      let chosen = try #require(try FlattenedDeviceTree(bytes).node(path: "/chosen"))
      return Dictionary(
        uniqueKeysWithValues: chosen.properties.map { (String(decoding: $0.name, as: UTF8.self), [UInt8]($0.value)) })
    }
  }

  private func bigEndian(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) }
  }
}
