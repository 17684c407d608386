import Testing

@testable import DeviceTree

/// The reader on trees that QEMU made.
@Suite struct ReaderTests {
  @Test func findsCPUsOfFourCPUMachineWithTheirNumbers() throws {
    try withTree(Fixture.aarch64GICv3.bytes()) { tree in
      let cpus = try #require(tree.node(path: "/cpus")).children.filter { $0.baseName == "cpu" }
      #expect(cpus.map { $0.registers.map(\.address) } == [[0], [1], [2], [3]])
      #expect(cpus.allSatisfy { $0.property("enable-method")?.string.map { $0 == "psci" } ?? false })
    }
  }

  @Test func decodesMemoryWithTwoAddressAndTwoSizeCells() throws {
    try withTree(Fixture.aarch64SMMU.bytes()) { tree in
      let memory = try #require(tree.firstNode { $0.property("device_type")?.contains("memory") ?? false })
      #expect(
        Array(memory.registers) == [DeviceTreeRegister(address: 0x4000_0000, byteCount: 64 << 30)])
    }
  }

  @Test func findsInterruptControllerByCompatibleAndByPhandle() throws {
    try withTree(Fixture.aarch64GICv3.bytes()) { tree in
      let gic = try #require(tree.firstNode(compatibleWith: "arm,gic-v3"))
      #expect(gic.registers.map(\.address) == [0x0800_0000, 0x080a_0000])
      let parent = try #require(tree.root.property("interrupt-parent")?.u32)
      #expect(tree.node(phandle: parent)?.name == gic.name)
      #expect(tree.firstNode(compatibleWith: "arm,gic-v9") == nil)
    }
  }

  @Test func followsStandardOutputPathToTheUART() throws {
    try withTree(Fixture.aarch64GICv3.bytes()) { tree in
      let path = try #require(tree.node(path: "/chosen")?.property("stdout-path")?.string)
      let uart = try #require(tree.node(path: path))
      #expect(uart.isCompatible(with: "arm,pl011"))
      #expect(uart.registers.first { _ in true } == DeviceTreeRegister(address: 0x0900_0000, byteCount: 0x1000))
      let interrupt = try #require(uart.property("interrupts"))
      #expect((0..<3).map { interrupt.cell($0) } == [0, 1, 4])
    }
  }

  @Test func findsNodeByBaseNameOfEachStep() throws {
    try withTree(Fixture.riscv64.bytes()) { tree in
      #expect(tree.node(path: "/soc/plic")?.name.text == "plic@c000000")
      #expect(tree.node(path: "/soc/nothing") == nil)
      #expect(tree.node(path: "/")?.depth == 0)
    }
  }

  @Test func translatesThroughEmptyRangesAsIdentity() throws {
    try withTree(Fixture.riscv64.bytes()) { tree in
      let uart = try #require(tree.firstNode(compatibleWith: "ns16550a"))
      let register = try #require(uart.registers.first { _ in true })
      #expect(tree.translate(register, of: uart) == DeviceTreeRegister(address: 0x1000_0000, byteCount: 0x100))
    }
  }

  @Test func translatesThroughRangesOfTwoBuses() throws {
    var builder = DeviceTreeBuilder()
    builder.beginNode("")
    builder.property("#address-cells", u32: 2)
    builder.property("#size-cells", u32: 2)
    builder.beginNode("soc")
    builder.property("#address-cells", u32: 1)
    builder.property("#size-cells", u32: 1)
    builder.property("ranges", cells: [0x1000, 0x1, 0x0000_0000, 0x1000, 0x7e00_0000, 0x0, 0xfe00_0000, 0x100_0000])
    builder.beginNode("bus")
    builder.property("#address-cells", u32: 1)
    builder.property("#size-cells", u32: 1)
    builder.property("ranges", cells: [0, 0x7e20_0000, 0x1000])
    builder.beginNode("uart", at: 0x40)
    builder.property("reg", cells: [0x40, 0x10, 0xff8, 0x10])
    builder.endNode()
    builder.endNode()
    builder.endNode()
    builder.endNode()
    try withTree(builder.finish()) { tree in
      let uart = try #require(tree.node(path: "/soc/bus/uart@40"))
      let translated = uart.registers.map { tree.translate($0, of: uart) }
      #expect(translated == [DeviceTreeRegister(address: 0xfe20_0040, byteCount: 0x10), nil])
    }
  }

  @Test func saysNothingAboutAddressesBelowABusWithoutRanges() throws {
    try withTree(Fixture.aarch64GICv3.bytes()) { tree in
      let cpu = try #require(tree.node(path: "/cpus/cpu@1"))
      #expect(tree.translate(DeviceTreeRegister(address: 1, byteCount: 0), of: cpu) == nil)
    }
  }

  @Test func usesOnlyTheBytesThatBlocksTake() throws {
    // QEMU's own tree: totalsize is 1 MiB, and the bytes behind the blocks are not ours.
    var bytes = try Fixture.aarch64GICv3.bytes()
    let used = try withTree(bytes) { $0.usedByteCount }
    bytes.replaceSubrange(4..<8, with: [0, 0x10, 0, 0])
    bytes += [UInt8](repeating: 0xff, count: 4096)
    #expect(try withTree(bytes) { $0.usedByteCount } == used)
    #expect(used < 9000)
  }

  @Test(arguments: Fixture.allCases) func readsWholeTree(of fixture: Fixture) throws {
    let lines = try withTree(fixture.bytes(), everything)
    #expect(lines.count > 50)
    #expect(lines.contains { $0.hasPrefix("property compatible") })
  }
}
