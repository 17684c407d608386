import Kernel
import TestSupport
import Testing
import Virtualization

@testable import RISCV64

private let gibibyte: UInt64 = 1 << 30

/// Values by the RISC-V privileged architecture: "Two-Stage Address Translation" and the `hgatp` register.
@Suite struct NestedTableFormatTests {
  // MARK: - Geometry

  /// Mode, bits of an address, level of the root.
  @Test(arguments: [(8, 41, 2), (9, 50, 3), (10, 59, 4)] as [(UInt64, UInt64, UInt64)])
  func theRootIsFourTablesForTwoMoreBits(mode: UInt64, bits: UInt64, level: UInt64) throws {
    let format = try #require(TranslationMode(rawValue: mode).flatMap { NestedTableFormat($0) })
    #expect(format.inputBitCount == bits)
    #expect(format.rootLevel == level)
    #expect(format.rootOrder.byteCount == 16384)
    #expect(format.entryCount(atLevel: level) == 2048)
    let last: UInt64 = 1 << bits - 1
    #expect(format.index(of: last, level: level) == 2047)
    #expect(
      (0..<level).allSatisfy { format.index(of: last, level: $0) == 511 && format.entryCount(atLevel: $0) == 512 })
  }

  @Test func leavesAre4KiB2MiBAnd1GiB() throws {
    let format = try #require(NestedTableFormat(.threeLevels))
    #expect((0...format.largestLeafLevel).map { format.byteCount(atLevel: $0) } == [4096, 2 << 20, 1 << 30])
  }

  @Test(arguments: [UInt64(0), 1, 7, 11, 15])
  func otherEncodingsAreNoMode(encoding: UInt64) {
    #expect(TranslationMode(rawValue: encoding) == nil)
  }

  @Test func theRegisterHasModeIdentifierAndRoot() throws {
    let root = HostPhysicalAddress(0x8123_4000)
    let three = try #require(NestedTableFormat(.threeLevels))
    #expect(three.controls(root: root, vmid: 1).rawValue == 0x8000_1000_0008_1234)
    let five = try #require(NestedTableFormat(.fiveLevels))
    #expect(five.controls(root: root, vmid: 0x3fff).rawValue == 0xa3ff_f000_0008_1234)
    // An identifier of too many bits leaves the mode alone.
    #expect(five.controls(root: root, vmid: 0x4000).rawValue == 0xa000_0000_0008_1234)
  }

  // MARK: - Entries

  @Test func ramIsTheUsersAccessedAndDirty() throws {
    let format = try #require(NestedTableFormat(.fourLevels))
    // V 0x1, R 0x2, W 0x4, X 0x8, U 0x10, A 0x40, D 0x80; the address moved down by two bits.
    let output = HostPhysicalAddress(0x80_4000_0000)
    for level in 0...2 as ClosedRange<UInt64> {
      #expect(format.leaf(to: output, PageAttributes(.all), level: level) == 0x20_1000_00df)
    }
    #expect(format.leaf(to: output, PageAttributes([.read, .execute]), level: 0) == 0x20_1000_00db)
  }

  @Test func aDevicesTypeIsInABitOfSoftwaresOwn() throws {
    let format = try #require(NestedTableFormat(.fourLevels))
    let device = PageAttributes([.read, .write], .device)
    #expect(format.leaf(to: HostPhysicalAddress(0x1000_0000), device, level: 0) == 0x0400_01d7)
  }

  @Test func withoutPermissionsHardwareSeesNoEntry() throws {
    let format = try #require(NestedTableFormat(.fourLevels))
    let raw = format.leaf(to: HostPhysicalAddress(0x8000_0000), PageAttributes([]), level: 0)
    #expect(raw & 1 == 0 && raw & 0xfff != 0)
  }

  /// W without R is reserved: what can be written can be read.
  @Test(arguments: 0...2 as ClosedRange<UInt64>, 0..<8 as Range<UInt8>)
  func everyPermissionAndTypeReadsBack(level: UInt64, permissions: UInt8) throws {
    let format = try #require(NestedTableFormat(.fiveLevels))
    let output = HostPhysicalAddress(0xff_ffff_c000_0000)
    let asked = AccessPermissions(rawValue: permissions)
    let given = asked.contains(.write) ? asked.union(.read) : asked
    for type in [MemoryType.normal, .device] {
      let raw = format.leaf(to: output, PageAttributes(asked, type), level: level)
      #expect(raw & 0xff & 0x20 == 0 && raw >> 54 == 0)
      #expect(format.entry(raw, level: level) == .leaf(output, PageAttributes(given, type)))
    }
  }

  @Test func tablesAndAbsentEntriesAreTold() throws {
    let format = try #require(NestedTableFormat(.fiveLevels))
    let address = HostPhysicalAddress(0x4123_4000)
    #expect(format.link(to: address, level: 1) == 0x1048_d001)
    #expect((1...4).map { format.entry(0x1048_d001, level: $0) } == Array(repeating: .table(address), count: 4))
    #expect(format.entry(0x1048_d000, level: 1) == .absent)
    // A link at the lowest level and W without R are reserved; a leaf above 1 GiB is none of ours.
    #expect(format.entry(0x1048_d001, level: 0) == .absent)
    #expect(format.entry(0x1048_d0d5, level: 0) == .absent)
    #expect(format.entry(0xdf, level: 3) == .absent)
  }

  @Test func aGuestOf4GiBTakesFourEntriesAndOneOfItsPagesCanGo() throws {
    let window = SparseMemory.makeWindow()
    let frames = try #require(FrameAllocator<SparseMemory>(HostPhysicalRange(window, 64 << 20)))
    let format = try #require(NestedTableFormat(.threeLevels))
    var table = try NestedPageTable<NestedTableFormat, SparseMemory>(format, from: frames)
    #expect(table.root.isAligned(to: 16384))
    try table.map(
      GuestPhysicalAddress(2 * gibibyte), to: HostPhysicalAddress(8 * gibibyte), byteCount: 4 * gibibyte,
      as: PageAttributes(.all), maintenance: NotInstalled())
    let root = SparseMemory.pointer(to: table.root).assumingMemoryBound(to: UInt64.self)
    #expect((1..<7).map { root[$0] } == [0, 0x8000_00df, 0x9000_00df, 0xa000_00df, 0xb000_00df, 0])
    try table.unmap(GuestPhysicalAddress(2 * gibibyte), byteCount: 4096, maintenance: NotInstalled())
    #expect(root[2] & 0xf == 1)
    #expect(table.translate(GuestPhysicalAddress(2 * gibibyte)) == nil)
    #expect(table.translate(GuestPhysicalAddress(2 * gibibyte + 4096))?.output.rawValue == 8 * gibibyte + 4096)
  }

  @Test func theHighestAddressesOfTheRootsLastTableTranslate() throws {
    let window = SparseMemory.makeWindow()
    let frames = try #require(FrameAllocator<SparseMemory>(HostPhysicalRange(window, 64 << 20)))
    let format = try #require(NestedTableFormat(.fiveLevels))
    var table = try NestedPageTable<NestedTableFormat, SparseMemory>(format, from: frames)
    let last = GuestPhysicalAddress(1 << 59 - 4096)
    try table.map(
      last, to: HostPhysicalAddress(4096), byteCount: 4096, as: PageAttributes(.read), maintenance: NotInstalled())
    #expect(table.translate(last)?.output == HostPhysicalAddress(4096))
    #expect(throws: PageTableError.outOfRange) {
      try table.map(
        GuestPhysicalAddress(1 << 59), to: HostPhysicalAddress(4096), byteCount: 4096, as: PageAttributes(.read),
        maintenance: NotInstalled())
    }
  }
}

/// Values by the RISC-V privileged architecture: "Sv39", "Sv48", "Sv57" and the `satp` register.
@Suite struct HypervisorTableFormatTests {
  @Test(arguments: [(8, 39, 2), (9, 48, 3), (10, 57, 4)] as [(UInt64, UInt64, UInt64)])
  func theModeTellsBitsAndLevels(mode: UInt64, bits: UInt64, level: UInt64) throws {
    let format = HypervisorTableFormat(try #require(TranslationMode(rawValue: mode)))
    #expect(format.inputBitCount == bits && format.rootLevel == level)
    #expect(format.rootOrder == .frame)
    #expect(format.index(of: 1 << bits - 1, level: level) == 511)
    #expect(format.entryCount(atLevel: level) == 512)
  }

  @Test func theRegisterHasModeAndRoot() {
    let root = HostPhysicalAddress(0x8020_1000)
    #expect(HypervisorTableFormat(.threeLevels).controls(root: root).rawValue == 0x8000_0000_0008_0201)
    #expect(HypervisorTableFormat(.fiveLevels).controls(root: root).rawValue == 0xa000_0000_0008_0201)
  }

  @Test(arguments: [TranslationMode.threeLevels, .fourLevels, .fiveLevels])
  func anAddressIsCanonicalWhereItsUpperBitsRepeatItsHighest(mode: TranslationMode) {
    let format = HypervisorTableFormat(mode)
    let half: UInt64 = 1 << (mode.virtualBitCount - 1)
    for address in [0, 0x8020_0000, half - 1, 0 &- half, 0xffff_ffff_8000_0000, .max] {
      #expect(format.input(address).map { format.virtualAddress(of: $0) } == address)
    }
    #expect(format.input(0 &- half)?.rawValue == half)
    #expect(format.input(half) == nil && format.input(0 &- half &- 1) == nil && format.input(1 << 63) == nil)
  }

  @Test func codeDataAndDevicesAreNotTheUsers() {
    let format = HypervisorTableFormat(.threeLevels)
    let output = HostPhysicalAddress(0x8020_0000)
    #expect(format.leaf(to: output, PageAttributes([.read, .execute]), level: 1) == 0x2008_00cb)
    #expect(format.leaf(to: output, PageAttributes([.read, .write]), level: 1) == 0x2008_00c7)
    #expect(format.leaf(to: output, PageAttributes(.read), level: 0) == 0x2008_00c3)
    let device = PageAttributes([.read, .write], .device)
    #expect(format.leaf(to: output, device, level: 0) == 0x2008_01c7)
    #expect(format.entry(0x2008_01c7, level: 0) == .leaf(output, device))
    #expect(format.link(to: output, level: 2) == 0x2008_0001)
    #expect(format.entry(0x2008_0001, level: 2) == .table(output))
  }
}
