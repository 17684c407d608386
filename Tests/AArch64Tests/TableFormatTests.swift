import Kernel
import TestSupport
import Testing
import Virtualization

@testable import AArch64

private let gibibyte: UInt64 = 1 << 30

private func machine(_ features: UInt64) throws -> PhysicalAddressRange {
  try #require(PhysicalAddressRange(features: features))
}

@Suite struct PhysicalAddressRangeTests {
  /// ID_AA64MMFR0_EL1.PARange; 52 and 56 bits are used as 48.
  @Test(arguments: [(0, 32), (1, 36), (2, 40), (3, 42), (4, 44), (5, 48), (6, 48), (7, 48), (0xabc_1124, 44)])
  func theFieldTellsTheBits(features: UInt64, bitCount: UInt64) throws {
    #expect(try machine(features).bitCount == bitCount)
  }

  @Test func aReservedValueIsRefused() {
    #expect(PhysicalAddressRange(features: 8) == nil)
  }
}

/// Values by Arm ARM DDI 0487, D8.2 (walks), D8.3 (descriptors) and VTCR_EL2.
@Suite struct NestedTableFormatTests {
  // MARK: - Geometry

  /// Bits, root level, tables in the root, index of the last address in the root, VTCR_EL2.T0SZ and SL0.
  @Test(
    arguments: [
      (32, 2, 1, 3, 32, 1), (36, 2, 1, 63, 28, 1), (39, 2, 1, 511, 25, 1), (40, 2, 2, 1023, 24, 1),
      (42, 2, 8, 4095, 22, 1), (43, 2, 16, 8191, 21, 1), (44, 3, 1, 31, 20, 2), (48, 3, 1, 511, 16, 2),
    ] as [(UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)])
  func theRootFollowsFromTheAddressSize(
    bits: UInt64, level: UInt64, tableCount: UInt64, lastIndex: UInt64, t0sz: UInt64, sl0: UInt64
  ) throws {
    let format = try #require(NestedTableFormat(inputBitCount: bits, machine: machine(5)))
    #expect(format.rootLevel == level)
    #expect(format.rootOrder.byteCount == tableCount * 4096)
    #expect(format.index(of: 1 << bits - 1, level: level) == lastIndex)
    #expect(format.entryCount(atLevel: level) == lastIndex + 1)
    let controls = format.controls(hasWideVMIDs: false).rawValue
    #expect(VTCR_EL2.t0sz.value(in: controls) == t0sz)
    #expect(VTCR_EL2.sl0.value(in: controls) == sl0)
  }

  @Test func theLastAddressHasTheLastIndexAtEveryLevel() throws {
    let format = try #require(NestedTableFormat(inputBitCount: 48, machine: machine(5)))
    let last: UInt64 = 1 << 48 - 1
    #expect((0...3).map { format.index(of: last, level: $0) } == [511, 511, 511, 511])
  }

  @Test func leavesAre4KiB2MiBAnd1GiB() throws {
    let format = try #require(NestedTableFormat(inputBitCount: 40, machine: machine(2)))
    #expect((0...format.largestLeafLevel).map { format.byteCount(atLevel: $0) } == [4096, 2 << 20, 1 << 30])
  }

  @Test func moreBitsThanTheMachineHasAreRefused() throws {
    #expect(NestedTableFormat(inputBitCount: 44, machine: try machine(2)) == nil)
    #expect(NestedTableFormat(inputBitCount: 49, machine: try machine(7)) == nil)
    #expect(NestedTableFormat(inputBitCount: 31, machine: try machine(5)) == nil)
  }

  @Test func theControlsOfCortexA57With40Bits() throws {
    // RES1, PS 4 (44 bits), 4 KiB, inner shareable, write-back, SL0 1, T0SZ 24; and VS (bit 19).
    let format = try #require(NestedTableFormat(inputBitCount: 40, machine: machine(0x1124)))
    #expect(format.controls(hasWideVMIDs: false).rawValue == 0x8004_3558)
    #expect(format.controls(hasWideVMIDs: true).rawValue == 0x800c_3558)
  }

  // MARK: - Entries

  @Test func ramIsWriteBackInnerShareableAndExecutable() throws {
    let format = try #require(NestedTableFormat(inputBitCount: 40, machine: machine(2)))
    // AF 0x400, SH 0x300, S2AP 0xc0, MemAttr 0x3c; page 3, block 1.
    let output = HostPhysicalAddress(0x40_0000_0000)
    #expect(format.leaf(to: output, PageAttributes(.all), level: 0) == 0x40_0000_07ff)
    #expect(format.leaf(to: output, PageAttributes(.all), level: 1) == 0x40_0000_07fd)
    #expect(format.leaf(to: output, PageAttributes(.all), level: 2) == 0x40_0000_07fd)
  }

  @Test func aDeviceIsNGnREAndNotExecutable() throws {
    let format = try #require(NestedTableFormat(inputBitCount: 40, machine: machine(2)))
    let device = PageAttributes([.read, .write], .device)
    #expect(format.leaf(to: HostPhysicalAddress(0x0900_0000), device, level: 0) == 0x0040_0000_0900_04c7)
  }

  @Test(arguments: 0...3 as ClosedRange<UInt64>, 0..<8 as Range<UInt8>)
  func everyPermissionAndTypeReadsBack(level: UInt64, permissions: UInt8) throws {
    let format = try #require(NestedTableFormat(inputBitCount: 48, machine: machine(5)))
    let leafLevel = min(level, format.largestLeafLevel)
    let output = HostPhysicalAddress(0xffff_c000_0000)
    for type in [MemoryType.normal, .device] {
      let attributes = PageAttributes(AccessPermissions(rawValue: permissions), type)
      let raw = format.leaf(to: output, attributes, level: leafLevel)
      #expect(format.entry(raw, level: leafLevel) == .leaf(output, attributes))
    }
  }

  @Test func tablesAndAbsentEntriesAreTold() throws {
    let format = try #require(NestedTableFormat(inputBitCount: 48, machine: machine(5)))
    let address = HostPhysicalAddress(0x4123_4000)
    #expect(format.link(to: address, level: 1) == 0x4123_4003)
    #expect((1...3).map { format.entry(0x4123_4003, level: $0) } == Array(repeating: .table(address), count: 3))
    #expect(format.entry(0x4123_4000, level: 1) == .absent)
    // A block at Arm's level 3, and one at its level 0, are reserved.
    #expect(format.entry(0x4000_07fd, level: 0) == .absent)
    #expect(format.entry(0x4000_07fd, level: 3) == .absent)
  }

  @Test func aGuestOf4GiBTakesFourEntriesAndOneOfItsPagesCanGo() throws {
    let window = SparseMemory.makeWindow()
    let frames = try #require(FrameAllocator<SparseMemory>(HostPhysicalRange(window, 64 << 20)))
    let format = try #require(NestedTableFormat(inputBitCount: 40, machine: machine(5)))
    var table = try NestedPageTable<NestedTableFormat, SparseMemory>(format, from: frames)
    #expect(table.root.isAligned(to: 8192))
    try table.map(
      GuestPhysicalAddress(gibibyte), to: HostPhysicalAddress(8 * gibibyte), byteCount: 4 * gibibyte,
      as: PageAttributes(.all), maintenance: NotInstalled())
    let root = SparseMemory.pointer(to: table.root).assumingMemoryBound(to: UInt64.self)
    #expect((0..<6).map { root[$0] } == [0, 0x2_0000_07fd, 0x2_4000_07fd, 0x2_8000_07fd, 0x2_c000_07fd, 0])
    try table.unmap(GuestPhysicalAddress(gibibyte), byteCount: 4096, maintenance: NotInstalled())
    #expect(root[1] & 3 == 3)
  }
}

/// Values by Arm ARM DDI 0487, D8.3 (descriptors), TCR_EL2 and MAIR_EL2.
@Suite struct HypervisorTableFormatTests {
  @Test func fourLevelsCover48Bits() throws {
    let format = HypervisorTableFormat(machine: try machine(4))
    let last: UInt64 = 1 << 48 - 1
    #expect((0...format.rootLevel).map { format.index(of: last, level: $0) } == [511, 511, 511, 511])
    #expect(format.entryCount(atLevel: format.rootLevel) == 512)
    #expect((0...format.largestLeafLevel).map { format.byteCount(atLevel: $0) } == [4096, 2 << 20, 1 << 30])
  }

  @Test func theControlsHaveTheManualsBits() throws {
    #expect(HypervisorTableFormat(machine: try machine(4)).controls == 0x8084_3510)
    #expect(HypervisorTableFormat.memoryAttributes == 0x04ff)
  }

  @Test func codeDataAndDevicesDiffer() throws {
    let format = HypervisorTableFormat(machine: try machine(4))
    let output = HostPhysicalAddress(0x4020_0000)
    // AF 0x400, SH 0x300, AP[1] 0x40, AP[2] 0x80, AttrIndx 1 0x4, XN bit 54.
    #expect(format.leaf(to: output, PageAttributes([.read, .execute]), level: 1) == 0x4020_07c1)
    #expect(format.leaf(to: output, PageAttributes([.read, .write]), level: 1) == 0x0040_0000_4020_0741)
    #expect(format.leaf(to: output, PageAttributes(.read), level: 0) == 0x0040_0000_4020_07c3)
    let device = PageAttributes([.read, .write], .device)
    #expect(format.leaf(to: output, device, level: 0) == 0x0040_0000_4020_0447)
  }

  @Test(arguments: 0...2 as ClosedRange<UInt64>, 0..<4 as Range<UInt8>)
  func everyPermissionAndTypeReadsBackAndImpliesRead(level: UInt64, permissions: UInt8) throws {
    let format = HypervisorTableFormat(machine: try machine(4))
    let output = HostPhysicalAddress(0xfff_c000_0000)
    for type in [MemoryType.normal, .device] {
      let attributes = PageAttributes([.read, AccessPermissions(rawValue: permissions << 1)], type)
      let raw = format.leaf(to: output, attributes, level: level)
      #expect(format.entry(raw, level: level) == .leaf(output, attributes))
    }
  }

  @Test func tablesAndAbsentEntriesAreTold() throws {
    let format = HypervisorTableFormat(machine: try machine(4))
    #expect(format.link(to: HostPhysicalAddress(0x4123_4000), level: 3) == 0x4123_4003)
    #expect(format.entry(0x4123_4003, level: 3) == .table(HostPhysicalAddress(0x4123_4000)))
    #expect(format.entry(0, level: 0) == .absent)
    #expect(format.entry(0x4000_0741, level: 0) == .absent)
    #expect(format.entry(0x4000_0741, level: 3) == .absent)
  }
}
