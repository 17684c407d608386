import Foundation
import Testing

@testable import DeviceTree

@Suite struct BuilderTests {
  @Test(arguments: Fixture.allCases) func copyOfReadTreeSaysTheSame(_ fixture: Fixture) throws {
    let original = try fixture.bytes()
    let copy = try withTree(original) { tree in
      var builder = DeviceTreeBuilder(bootCPU: tree.bootCPU)
      for reservation in tree.memoryReservations { builder.reserve(reservation) }
      copyNode(tree.root, to: &builder)
      return builder.finish()
    }
    #expect(try withTree(copy, everything) == withTree(original, everything))
  }

  @Test func everyKindOfPropertyReadsBack() throws {
    try withTree(sample()) { tree in
      let node = try #require(tree.node(path: "/node@80000000"))
      #expect(node.property("u32")?.u32 == 0x0102_0304)
      #expect(node.property("u64")?.u64 == 0x0102_0304_0506_0708)
      #expect(node.property("cells").map { property in (0...3).map { property.cell($0) } } == [1, 2, 3, nil])
      #expect(node.property("string")?.string.map(\.text) == "text")
      #expect(node.property("strings").map { $0.strings.map(\.text) } == ["one", "", "three"])
      #expect(node.property("strings")?.contains("three") == true)
      #expect(node.property("strings")?.contains("thre") == false)
      #expect(node.property("bytes").map { [UInt8]($0.value) } == [1, 2, 3])
      #expect(node.property("empty")?.value.isEmpty == true)
      #expect(Array(tree.memoryReservations) == [DeviceTreeRegister(address: 0x4000, byteCount: 0x1000)])
      #expect(tree.bootCPU == 2)
    }
  }

  @Test func headerSaysVersion17AndTheWholeSize() throws {
    let bytes = sample()
    try withTree(bytes) { #expect($0.usedByteCount == bytes.count) }
    #expect(Array(bytes[20..<28]) == [0, 0, 0, 17, 0, 0, 0, 16])
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/dtc")))
  func deviceTreeCompilerAcceptsWhatWasWritten() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString).dtb")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(sample()).write(to: file)
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/dtc")
    process.arguments = ["-I", "dtb", "-O", "dts", file.path]
    process.standardOutput = output
    process.standardError = Pipe()
    try process.run()
    let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    #expect(text.contains("node@80000000 {"))
    #expect(text.contains("/memreserve/\t0x0000000000004000 0x0000000000001000;"))
    #expect(text.contains("string = \"text\";"))
  }

  private func copyNode(_ node: DeviceTreeNode, to builder: inout DeviceTreeBuilder) {
    builder.beginNode([UInt8](node.name))
    for property in node.properties { builder.property([UInt8](property.name), bytes: [UInt8](property.value)) }
    for child in node.children { copyNode(child, to: &builder) }
    builder.endNode()
  }

  private func sample() -> [UInt8] {
    var builder = DeviceTreeBuilder(bootCPU: 2)
    builder.reserve(DeviceTreeRegister(address: 0x4000, byteCount: 0x1000))
    builder.beginNode("")
    builder.property("#address-cells", u32: 2)
    builder.property("#size-cells", u32: 2)
    builder.beginNode("node", at: 0x8000_0000)
    builder.property("u32", u32: 0x0102_0304)
    builder.property("u64", u64: 0x0102_0304_0506_0708)
    builder.property("cells", cells: [1, 2, 3])
    builder.property("string", string: "text")
    builder.property("strings", strings: ["one", "", "three"])
    builder.property("bytes", bytes: [1, 2, 3])
    builder.property("empty")
    builder.endNode()
    builder.endNode()
    return builder.finish()
  }
}
