import Foundation
import Testing

@testable import ImageTool

@Suite struct BundleTests {
  private let bundle: SystemBundle

  init() throws {
    let folder = try TestFolder()
    try folder.write(
      "vm.toml",
      TestFolder.vm(
        "affinity = [[1], [0, 2]]\ncommand-line = \"say \\\"hi\\\"\"",
        tables: "[ramdisk]\npath = \"images/ramdisk.cpio\""))
    bundle = SystemBundle.make(from: try #require(folder.load("vm.toml").system))
  }

  @Test func reportAsTextNamesEverything() {
    let expected = """
      bundle: 12 KiB, format 1, aarch64, log level info; when all VMs have stopped: poweroff

      VM 0: a, 2 vCPUs, 64 MiB
        vCPU 0: CPU 1
        vCPU 1: CPU 0, 2
        starts at 0x40200000 by the boot protocol linux
        on reset: restart; on failure: stop; idle: trapped; log level: info
        command line: say "hi"
        memory map
           0x8000000 to  0x800ffff  interrupt controller, 64 KiB
           0x80a0000 to  0x8ffffff  interrupt controller, 15744 KiB
           0x9000000 to  0x9000fff  uart, 4 KiB
           0x9010000 to  0x9010fff  clock, 4 KiB
          0x40000000 to 0x43ffffff  memory, 64 MiB
          0x40000000 to 0x4000ffff  device tree, generated, 64 KiB
          0x40010000 to 0x4001006d  ramdisk, 110 bytes
          0x40200000 to 0x4020ffff  kernel, 64 KiB
        images
          kernel: 4 KiB from 0x1000 of the bundle to 0x40200000
          ramdisk: 110 bytes from 0x2000 of the bundle to 0x40010000
        interrupts
          SPI 1: uart
          SPI 2: clock

      """
    #expect(BundleReport(bundle).text == expected)
  }

  @Test func reportAsJSONReadsBack() throws {
    let report = BundleReport(bundle)
    let json = try report.json()
    #expect(try JSONDecoder().decode(BundleReport.self, from: Data(json.utf8)) == report)
    #expect(json.contains("\"guestAddress\" : \"0x40200000\""))
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/dtc")))
  func sourceOfTheManifestCompilesToTheSameTree() throws {
    let source = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString).dts")
    defer { try? FileManager.default.removeItem(at: source) }
    try bundle.deviceTreeSource().write(to: source, atomically: true, encoding: .utf8)
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/dtc")
    process.arguments = ["-q", "-I", "dts", "-O", "dtb", source.path]
    process.standardOutput = output
    try process.run()
    var compiled = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    compiled.append(bundle.data.dropFirst(compiled.count))
    #expect(try SystemBundle.read(compiled).manifest == bundle.manifest)
  }

  @Test func bundleThatTheHypervisorWouldRefuseIsNotRead() {
    #expect(throws: SystemBundle.ReadError.self) { try SystemBundle.read(Data("not a bundle".utf8)) }
    #expect(throws: SystemBundle.ReadError.self) { try SystemBundle.read(bundle.data.dropLast(1)) }
  }

  @Test func refusedVMIsNamedWithItsReason() throws {
    let range = try #require(bundle.data.firstRange(of: Data("trapped".utf8)))
    var data = bundle.data
    data.replaceSubrange(range, with: Data("napping".utf8))
    let error = #expect(throws: SystemBundle.ReadError.self) { try SystemBundle.read(data) }
    #expect(error?.description == "the hypervisor would refuse VM 0: a property is missing or cannot be read")
  }
}
