import Virtualization

/// Exception Syndrome Register (Arm ARM DDI 0487, ESR_EL2). Decoded once, then acted on by names.
struct ESR_EL2: RawRepresentable, Equatable, Sendable {
  let rawValue: UInt64

  @inline(__always) init(rawValue: UInt64) { self.rawValue = rawValue }

  /// `EC`, bits [31:26].
  @inline(__always) var exceptionClass: ExceptionClass {
    ExceptionClass(rawValue: UInt8(truncatingIfNeeded: rawValue &>> 26) & 0x3f)
  }

  /// `IL`, bit 25: the trapped instruction has 32 bits, not 16.
  @inline(__always) var isLongInstruction: Bool { rawValue & (1 << 25) != 0 }

  /// How far the program counter moves to step over the trapped instruction, in bytes.
  @inline(__always) var instructionByteCount: UInt64 { 2 &+ ((rawValue &>> 24) & 2) }

  /// `ISS`, bits [24:0]: what the exception class makes of it.
  @inline(__always) var iss: UInt32 { UInt32(truncatingIfNeeded: rawValue) & 0x1ff_ffff }

  /// The 16-bit immediate of HVC, SMC, SVC or BRK, bits [15:0].
  @inline(__always) var immediate: UInt16 { UInt16(truncatingIfNeeded: rawValue) }

  @inline(__always) var dataAbort: DataAbort { DataAbort(iss: iss) }
  @inline(__always) var instructionAbort: InstructionAbort { InstructionAbort(iss: iss) }
  @inline(__always) var systemInstruction: SystemInstruction { SystemInstruction(iss: iss) }
  @inline(__always) var waitKind: WaitKind { WaitKind(iss: iss) }
}

/// Which instruction waits: `TI`, ISS bits [1:0] of exception class 0x01.
enum WaitKind: Equatable, Sendable {
  case waitForInterrupt  // 0b00 WFI
  case waitForEvent  // 0b01 WFE
  case waitForInterruptWithTimeout  // 0b10 WFIT
  case waitForEventWithTimeout  // 0b11 WFET

  @inline(__always) init(iss: UInt32) {
    switch iss & 0b11 {
    case 0b00: self = .waitForInterrupt
    case 0b01: self = .waitForEvent
    case 0b10: self = .waitForInterruptWithTimeout
    default: self = .waitForEventWithTimeout
    }
  }
}

/// The syndrome of a data abort (ISS encoding for an exception from a Data Abort).
struct DataAbort: Equatable, Sendable {
  let iss: UInt32

  @inline(__always) init(iss: UInt32) { self.iss = iss }

  /// `ISV`, bit 24: the fields on the access itself hold. Clear for LDP, SIMD, atomics, write-back forms.
  @inline(__always) var hasAccess: Bool { iss & (1 << 24) != 0 }

  /// `SAS`, bits [23:22].
  @inline(__always) var width: AccessWidth {
    switch (iss &>> 22) & 0b11 {
    case 0b00: .byte
    case 0b01: .halfword
    case 0b10: .word
    default: .doubleword
    }
  }

  /// `SSE`, bit 21: what was loaded is sign-extended.
  @inline(__always) var isSignExtended: Bool { iss & (1 << 21) != 0 }

  /// `SRT`, bits [20:16]: the general register; 31 is XZR.
  @inline(__always) var register: Int { Int((iss &>> 16) & 0x1f) }

  /// `SF`, bit 15: the register is used with 64 bits.
  @inline(__always) var isRegister64Bit: Bool { iss & (1 << 15) != 0 }

  /// `AR`, bit 14: a load-acquire or store-release.
  @inline(__always) var isOrdered: Bool { iss & (1 << 14) != 0 }

  /// `FnV`, bit 10: FAR_EL2 holds no address.
  @inline(__always) var isAddressUnknown: Bool { iss & (1 << 10) != 0 }

  /// `EA`, bit 9: the external abort's type, as the implementation defines it.
  @inline(__always) var externalAbortType: Bool { iss & (1 << 9) != 0 }

  /// `CM`, bit 8: cache maintenance or address translation, not a load or store.
  @inline(__always) var isCacheMaintenance: Bool { iss & (1 << 8) != 0 }

  /// `S1PTW`, bit 7: stage 2 faulted on a read of the guest's own page table.
  @inline(__always) var isStage1Walk: Bool { iss & (1 << 7) != 0 }

  /// `WnR`, bit 6.
  @inline(__always) var isWrite: Bool { iss & (1 << 6) != 0 }

  /// `DFSC`, bits [5:0].
  @inline(__always) var status: FaultStatus { FaultStatus(rawValue: UInt8(truncatingIfNeeded: iss) & 0x3f) }

  /// Whether HPFAR_EL2 holds the faulting address (Arm ARM, HPFAR_EL2).
  @inline(__always) var hasFaultPage: Bool { status.leavesFaultPage || isStage1Walk }

  /// What a load of this kind leaves in the register: `bytes` extended as the instruction asks.
  @inline(__always) func registerValue(loading bytes: UInt64) -> UInt64 {
    guard isSignExtended else { return bytes & width.mask }
    return extendedValue(loading: bytes)
  }

  @inline(never) private func extendedValue(loading value: UInt64) -> UInt64 {
    let extended: Int64
    switch width {
    case .byte: extended = Int64(Int8(truncatingIfNeeded: value))
    case .halfword: extended = Int64(Int16(truncatingIfNeeded: value))
    case .word: extended = Int64(Int32(truncatingIfNeeded: value))
    case .doubleword: extended = Int64(bitPattern: value)
    }
    return isRegister64Bit ? UInt64(bitPattern: extended) : UInt64(bitPattern: extended) & 0xffff_ffff
  }
}

/// The syndrome of an instruction abort (ISS encoding for an exception from an Instruction Abort).
struct InstructionAbort: Equatable, Sendable {
  let iss: UInt32

  @inline(__always) init(iss: UInt32) { self.iss = iss }

  /// `FnV`, bit 10: FAR_EL2 holds no address.
  @inline(__always) var isAddressUnknown: Bool { iss & (1 << 10) != 0 }

  /// `S1PTW`, bit 7: stage 2 faulted on a read of the guest's own page table.
  @inline(__always) var isStage1Walk: Bool { iss & (1 << 7) != 0 }

  /// `IFSC`, bits [5:0].
  @inline(__always) var status: FaultStatus { FaultStatus(rawValue: UInt8(truncatingIfNeeded: iss) & 0x3f) }

  /// Whether HPFAR_EL2 holds the faulting address (Arm ARM, HPFAR_EL2).
  @inline(__always) var hasFaultPage: Bool { status.leavesFaultPage || isStage1Walk }
}

/// `DFSC` and `IFSC`, six bits.
struct FaultStatus: RawRepresentable, Equatable, Sendable {
  let rawValue: UInt8

  enum Kind: Equatable, Sendable {
    case addressSize
    case translation
    case accessFlag
    case permission
    case externalAbort  // the bus refused; synchronous, on the access or on a walk
    case alignment
    case tlbConflict
    case unsupportedAtomic  // an exclusive or atomic to memory that cannot do it (0b110101, 0b110001)
    case other
  }

  var kind: Kind {
    switch rawValue {
    case 0b000000...0b000011, 0b101001: .addressSize
    case 0b000100...0b000111, 0b101011: .translation
    case 0b001000...0b001011: .accessFlag
    case 0b001100...0b001111: .permission
    case 0b010000, 0b010011...0b010111, 0b011000, 0b011011...0b011111: .externalAbort
    case 0b100001: .alignment
    case 0b110000: .tlbConflict
    case 0b110001, 0b110101: .unsupportedAtomic
    default: .other
    }
  }

  /// The level at which the walk ended, 0 to 3; nil where the status names none.
  var level: Int? {
    switch kind {
    case .addressSize, .translation: rawValue >= 0b101001 ? -1 : Int(rawValue & 0b11)
    case .accessFlag, .permission: Int(rawValue & 0b11)
    default: nil
    }
  }

  /// Whether stage 2 writes HPFAR_EL2 for it: address size, translation and access flag faults do, permission
  /// faults do not.
  @inline(__always) var leavesFaultPage: Bool { rawValue < 0b001100 }
}
