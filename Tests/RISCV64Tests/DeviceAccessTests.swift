import Foundation
import TestSupport
import Testing
import Virtualization

@testable import RISCV64

/// By the RISC-V unprivileged architecture, RV64I and C, and by what LLVM's disassembler says of real code.
@Suite struct DeviceAccessTests {
  // MARK: - Real code

  /// A line of `Fixtures/disassembly.txt`: the word, of 4 or 8 digits, the mnemonic and the operands.
  private struct Line {
    let bits: UInt64
    let isCompressed: Bool
    let mnemonic: String
    let register: Int?

    init?(_ text: Substring) {
      let words = text.split(separator: " ")
      guard words.count >= 2, let bits = UInt64(words[0], radix: 16) else { return nil }
      self.bits = bits
      isCompressed = words[0].count == 4
      mnemonic = String(words[1])
      register = words.dropFirst(2).first.flatMap { Self.names.firstIndex(of: $0.filter { $0 != "," }) }
    }

    private static let names =
      ["zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1"] + (0...7).map { "a\($0)" }
      + (2...11).map { "s\($0)" } + (3...6).map { "t\($0)" }

    var decoded: DeviceAccess? { isCompressed ? DeviceAccess(compressed: bits) : DeviceAccess(bits) }
  }

  private static func lines() throws -> [Line] {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/disassembly.txt")
    return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap(Line.init)
  }

  private static let kinds: [String: (width: AccessWidth, isStore: Bool, isSigned: Bool)] = [
    "lb": (.byte, false, true), "lbu": (.byte, false, false), "lh": (.halfword, false, true),
    "lhu": (.halfword, false, false), "lw": (.word, false, true), "lwu": (.word, false, false),
    "ld": (.doubleword, false, true), "sb": (.byte, true, false), "sh": (.halfword, true, false),
    "sw": (.word, true, false), "sd": (.doubleword, true, false),
  ]

  @Test func loadsAndStoresAreWhatTheDisassemblerSays() throws {
    let accesses = try Self.lines().filter { Self.kinds[$0.mnemonic] != nil }
    #expect(accesses.count > 200 && accesses.contains { $0.isCompressed })
    for line in accesses {
      let kind = try #require(Self.kinds[line.mnemonic])
      let access = try #require(line.decoded, "\(line)")
      #expect(access.width == kind.width && access.isStore == kind.isStore, "\(line)")
      // A doubleword has nothing to extend.
      #expect(access.width == .doubleword || access.isSigned == kind.isSigned, "\(line)")
      #expect(access.register == line.register, "\(line)")
      #expect(access.byteCount == (line.isCompressed ? 2 : 4))
    }
  }

  @Test func nothingElseIsALoadOrStore() throws {
    let others = try Self.lines().filter { Self.kinds[$0.mnemonic] == nil }
    #expect(others.count > 100)
    for line in others { #expect(line.decoded == nil, "\(line)") }
  }

  // MARK: - All words

  /// Of the three quadrants C.LW, C.LD, C.SW, C.SD and their forms by the stack pointer, 2048 words each.
  @Test func allSixteenBitWordsHaveAnAnswer() {
    var count = 0
    for bits in 0..<0x1_0000 as Range<UInt64> where bits & 3 != 3 {
      guard let access = DeviceAccess(compressed: bits) else { continue }
      count += 1
      let isWord = bits >> 13 & 3 == 2
      #expect(access.width == (isWord ? .word : .doubleword) && access.isStore == (bits >> 15 == 1))
      #expect(access.register < 32 && access.byteCount == 2 && bits & 1 == 0)
    }
    #expect(count == 16384)
  }

  @Test func anyWordIsALoadOrStoreByItsOpcodeAlone() {
    var generator = SeededGenerator(seed: 64)
    var wrong = 0
    for _ in 0..<500_000 {
      let bits =
        generator.next() & 0xffff_ff80 | [0x03, 0x23, generator.next() & 0x7f].randomElement(using: &generator)!
      let funct3 = bits >> 12 & 7
      let isAccess = bits & 0x7f == 0x03 && funct3 < 7 || bits & 0x7f == 0x23 && funct3 < 4
      let access = DeviceAccess(bits)
      if (access != nil) != isAccess { wrong += 1 }
      guard let access else { continue }
      let register = access.isStore ? bits >> 20 & 31 : bits >> 7 & 31
      if access.register != Int(register) || access.width.byteCount != 1 << (funct3 & 3) { wrong += 1 }
    }
    #expect(wrong == 0)
  }

  /// AMOADD.W, AMOSWAP.D, LR.W, SC.D, FLW, FLD, FSW, FSD, and C.FLD, C.FSD, C.FLDSP, C.FSDSP.
  @Test(
    arguments: [0x00b5_202f, 0x08b5_302f, 0x1005_252f, 0x18b5_362f, 0x0005_2007, 0x0005_3007, 0x0005_2027, 0x0005_3027])
  func atomicsAndFloatingPointAreRefused(bits: UInt64) {
    #expect(DeviceAccess(bits) == nil)
  }

  @Test(arguments: [0x2108, 0xa108, 0x2502, 0xa02a] as [UInt64])
  func compressedFloatingPointIsRefused(bits: UInt64) {
    #expect(DeviceAccess(compressed: bits) == nil)
  }

  // MARK: - Transformed instructions

  /// As `htinst` shows them: the base register is an offset, the immediate is zero (RISC-V privileged architecture,
  /// "Transformed Instruction or Pseudoinstruction").
  @Test func aTransformedInstructionIsDecodedAsTheOriginal() throws {
    // LHU a4; SD t6; and C.LW a0 with bit 1 cleared in htinst, which the caller has put back.
    let load = try #require(DeviceAccess(0x0000_5703))
    #expect(load.width == .halfword && !load.isSigned && load.register == 14)
    let store = try #require(DeviceAccess(0x01f0_3023))
    #expect(store.width == .doubleword && store.isStore && store.register == 31)
    let compressed = try #require(DeviceAccess(0x0000_2501 | 2, byteCount: 2))
    #expect(compressed.width == .word && compressed.register == 10 && compressed.byteCount == 2)
  }

  // MARK: - Values

  @Test(
    arguments: [
      (0x0005_0503, 0x80, 0xffff_ffff_ffff_ff80), (0x0005_4503, 0x1_80, 0x80),
      (0x0005_1503, 0x8000, 0xffff_ffff_ffff_8000),
      (0x0005_5503, 0x8000, 0x8000), (0x0005_2503, 0x8000_0000, 0xffff_ffff_8000_0000),
      (0x0005_6503, 0x1_8000_0000, 0x8000_0000), (0x0005_3503, 0x8000_0000_0000_0000, 0x8000_0000_0000_0000),
      (0x0005_2503, 0x7fff_ffff, 0x7fff_ffff),
    ] as [(UInt64, UInt64, UInt64)])
  func aLoadedValueIsExtendedAsTheInstructionSays(bits: UInt64, value: UInt64, expected: UInt64) throws {
    #expect(try #require(DeviceAccess(bits)).registerValue(loading: value) == expected)
  }
}

/// Bits by the RISC-V privileged architecture, "Hypervisor Extension" and "Supervisor-Level ISA".
@Suite struct GuestRegisterTests {
  @Test func aGuestIsEnteredInVirtualSupervisorMode() {
    // SPV bit 7, VTW bit 21, VSXL 2 at 33:32.
    #expect(hstatus.guest(idlesNatively: false).rawValue == 0x2_0020_0080)
    #expect(hstatus.guest(idlesNatively: true).rawValue == 0x2_0000_0080)
    #expect(sstatus.guestAtPowerOn.rawValue == 0x2_0000_4100)
  }

  /// A call of VS-mode, guest page faults and virtual instructions cannot be delegated (table of hedeleg).
  @Test func theGuestsOwnFaultsAreDelegated() {
    #expect(GuestControls.exceptions & (1 << 9 | 1 << 10 | 0xf << 20) == 0)
    #expect(GuestControls.exceptions & 0xb1ff == 0xb1ff)
  }

  @Test func theThreeVirtualInterruptsAreDelegated() { #expect(GuestControls.interrupts == 0x444) }

  @Test func theGuestHasTimeAndWhereThereIsSstcATimer() {
    #expect(GuestControls.counters == 2)
    #expect(GuestControls.environment(hasSstc: true) == 1 << 63 && GuestControls.environment(hasSstc: false) == 0)
  }

  @Test(arguments: [0, 1, 2, 3] as [UInt64]) func floatingPointIsDirtyOnlyWhenBothBitsAreSet(use: UInt64) {
    var status = sstatus(rawValue: use << 13 | 0x2_0000_0102)
    #expect(status.isFloatingPointDirty == (use == 3))
    status.markFloatingPointClean()
    #expect(status.rawValue == 0x2_0000_4102)
  }
}
