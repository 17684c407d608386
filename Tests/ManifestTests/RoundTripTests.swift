import DeviceTree
import Foundation
import Testing
import Virtualization

@testable import Manifest

@Suite struct RoundTripTests {
  @Test func whatWasEncodedIsDecoded() throws {
    let manifest = sampleSystem()
    let decoded = try Decoded(bundle(manifest))
    #expect(decoded.manifest == manifest)
    #expect(decoded.rejected.isEmpty)
  }

  @Test func everyChoiceThatIsNotTheUsualOneIsKept() throws {
    var vm = sampleVM("odd_Name.1")
    vm.exclusiveCPUs = true
    vm.vcpus = [VCPUManifest(affinity: 1), VCPUManifest(affinity: 1 << 63)]
    vm.memory.append(range(0x8000_0000, 0x1000))
    vm.bootProtocol = .raw
    vm.deviceTree = .none
    vm.commandLine = []
    vm.autostart = false
    vm.onReset = .stop
    vm.onFailure = .restart
    vm.idle = .native
    vm.devices = []
    vm.logLevel = .debug
    let manifest = SystemManifest(
      architecture: .aarch64, whenAllStopped: .halt, logLevel: .error, bundleByteCount: 0x4000, vms: [vm])
    #expect(try Decoded(bundle(manifest)).manifest == manifest)
  }

  @Test func sizeDoesNotDependOnOffsets() {
    var later = sampleSystem()
    later.bundleByteCount = .max
    later.vms[0].images[0].bundleOffset = .max
    #expect(later.encode().count == sampleSystem().encode().count)
  }

  @Test func ramdiskRangeIsThatOfTheBytes() { #expect(sampleVM().ramdisk == range(0x4040_0000, 0x123)) }

  @Test func badVMIsLeftOutAndTheOthersStay() throws {
    var bad = sampleVM("bad")
    bad.entry = address(0x5000_0000)
    let decoded = try Decoded(bundle(sampleSystem([sampleVM(), bad, sampleVM("linux-b")])))
    #expect(decoded.manifest.vms == [sampleVM(), sampleVM("linux-b")])
    #expect(decoded.rejected == [.init(vm: 1, error: .problem(.entryOutsideImages))])
  }

  @Test func bundleThatWasCutShortIsRefused() {
    let bytes = Array(bundle(sampleSystem()).dropLast())
    #expect(throws: ManifestError.truncatedBundle) { try Decoded(bytes) }
  }

  @Test func bundleSmallerThanItsManifestIsRefused() {
    var manifest = sampleSystem()
    manifest.bundleByteCount = 64
    #expect(throws: ManifestError.truncatedBundle) { try Decoded(bundle(manifest)) }
  }

  @Test func otherFormatVersionIsRefused() {
    var builder = DeviceTreeBuilder()
    builder.beginNode("")
    builder.property("compatible", string: "apus,manifest")
    builder.property("format-version", u32: 2)
    builder.endNode()
    #expect(throws: ManifestError.otherFormatVersion(2)) { try Decoded(builder.finish()) }
  }

  @Test func deviceTreeThatIsNoManifestIsRefused() {
    var builder = DeviceTreeBuilder()
    builder.beginNode("")
    builder.property("compatible", string: "linux,dummy-virt")
    builder.endNode()
    #expect(throws: ManifestError.notAManifest) { try Decoded(builder.finish()) }
  }

  @Test func manifestOfAnotherArchitectureIsRefused() throws {
    let bytes = try #require(replacing(Array("aarch64".utf8), by: Array("riscv64".utf8), in: bundle(sampleSystem())))
    #expect(throws: ManifestError.otherArchitecture) { try Decoded(bytes) }
  }

  @Test func moreVMsThanTheHypervisorHasRoomForAreRefused() {
    let vms = (0...ManifestLimits.vms).map { _ in sampleVM() }
    var manifest = sampleSystem(vms)
    manifest.bundleByteCount = 0x10_0000
    #expect(throws: ManifestError.tooManyVMs) { try Decoded(bundle(manifest)) }
  }

  @Test func unknownWordIsABadProperty() throws {
    let bytes = try #require(replacing(Array("trapped".utf8), by: Array("trippel".utf8), in: bundle(sampleSystem())))
    #expect(try Decoded(bytes).rejected == [.init(vm: 0, error: .badProperty(.idle))])
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/dtc")))
  func deviceTreeCompilerPrintsTheManifest() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString).bundle")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(bundle(sampleSystem())).write(to: file)
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/dtc")
    process.arguments = ["-q", "-I", "dtb", "-O", "dts", file.path]
    process.standardOutput = output
    try process.run()
    let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    #expect(text.contains("vm-name = \"linux-b\";"))
  }

  /// `bytes` with the first `old` changed to `new`; nil where there is none.
  private func replacing(_ old: [UInt8], by new: [UInt8], in bytes: [UInt8]) -> [UInt8]? {
    bytes.firstRange(of: old).map { bytes[..<$0.lowerBound] + new + bytes[$0.upperBound...] }
  }
}
