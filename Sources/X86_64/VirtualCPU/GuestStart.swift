import CX86_64
import Kernel

/// What a vCPU's registers hold at its first instruction.
enum GuestStart {
  /// The argument of a vCPU that begins in real mode; no table lies there.
  static let bySIPI: UInt64 = .max

  /// Segments as the VMCB has them (AMD APM 2, 15.5.1).
  private enum Attributes {
    static let code64: UInt16 = 0xa9b
    static let code32: UInt16 = 0xc9b
    static let data32: UInt16 = 0xc93
    static let code16: UInt16 = 0x09b
    static let data16: UInt16 = 0x093
    static let taskSegment: UInt16 = 0x08b
    static let localTable: UInt16 = 0x082
  }

  private static let pat: UInt64 = 0x0007_0406_0007_0406
  private static let dr6: UInt64 = 0xffff_0ff0
  private static let dr7: UInt64 = 0x400

  /// FCW and MXCSR as FINIT and reset leave them (APM 2, 14.1.3).
  static var floatingPoint: X86FloatingPointState {
    var state = X86FloatingPointState()
    state.words.0 = 0x037f
    state.words.3 = 0x1f80
    return state
  }

  /// - Parameter argument: `bySIPI`; or where the guest's tables are (`GuestTables`), for 64-bit code; or 0, for 32-bit code.
  static func set(_ registers: GuestRegisters, entry: UInt64, argument: UInt64) {
    let vmcb = registers.vmcb
    vmcb[VMCB.guestPAT] = pat
    vmcb[VMCB.dr6] = dr6
    vmcb[VMCB.dr7] = dr7
    vmcb[VMCB.rflags] = RFLAGS.reserved.rawValue
    vmcb[VMCB.efer] = MSR.eferSVME
    vmcb[VMCB.cr0] = CR0.et.rawValue
    vmcb[.idtr] = SegmentRegister(selector: 0, attributes: 0, limit: 0xffff, base: 0)
    vmcb[.gdtr] = SegmentRegister(selector: 0, attributes: 0, limit: 0xffff, base: 0)
    vmcb[.ldtr] = SegmentRegister(selector: 0, attributes: Attributes.localTable, limit: 0xffff, base: 0)
    vmcb[.tr] = SegmentRegister(selector: 0, attributes: Attributes.taskSegment, limit: 0xffff, base: 0)
    switch argument {
    case bySIPI: setRealMode(vmcb, entry)
    case 0: setProtectedMode(vmcb, entry)
    default: setLongMode(registers, entry, tables: GuestTables.base(in: argument))
    }
  }

  private static func setData(_ vmcb: VMCB, _ segment: SegmentRegister) {
    vmcb[.ds] = segment
    vmcb[.es] = segment
    vmcb[.ss] = segment
    vmcb[.fs] = segment
    vmcb[.gs] = segment
  }

  /// As SIPI leaves it: CS at the page, IP 0 (AMD APM 2, 15.27.8).
  private static func setRealMode(_ vmcb: VMCB, _ entry: UInt64) {
    vmcb[.cs] = SegmentRegister(
      selector: UInt16(truncatingIfNeeded: entry >> 4), attributes: Attributes.code16, limit: 0xffff, base: entry)
    setData(vmcb, SegmentRegister(selector: 0, attributes: Attributes.data16, limit: 0xffff, base: 0))
  }

  /// Flat segments of 32 bits, paging off.
  private static func setProtectedMode(_ vmcb: VMCB, _ entry: UInt64) {
    vmcb[VMCB.cr0] = CR0([.pe, .et]).rawValue
    vmcb[VMCB.rip] = entry
    vmcb[.cs] = SegmentRegister(selector: 0x10, attributes: Attributes.code32, limit: .max, base: 0)
    setData(vmcb, SegmentRegister(selector: 0x18, attributes: Attributes.data32, limit: .max, base: 0))
  }

  /// Linux's 64-bit entry: the first 4 GiB mapped as they are, RSI at the parameters (Linux, x86/boot.rst).
  private static func setLongMode(_ registers: GuestRegisters, _ entry: UInt64, tables: UInt64) {
    let vmcb = registers.vmcb
    vmcb[VMCB.cr0] = CR0([.pe, .mp, .et, .ne, .wp, .pg]).rawValue
    vmcb[VMCB.cr4] = CR4.pae.rawValue
    vmcb[VMCB.cr3] = tables + GuestTables.Place.pageTables
    vmcb[VMCB.efer] = MSR.eferSVME | MSR.eferLME | MSR.eferLMA
    vmcb[VMCB.rip] = entry
    vmcb[.gdtr] = SegmentRegister(
      selector: 0, attributes: 0, limit: 31, base: tables + GuestTables.Place.descriptors)
    vmcb[.cs] = SegmentRegister(selector: 0x10, attributes: Attributes.code64, limit: .max, base: 0)
    setData(vmcb, SegmentRegister(selector: 0x18, attributes: Attributes.data32, limit: .max, base: 0))
    registers[GuestRegisters.rsi] = tables
  }
}
