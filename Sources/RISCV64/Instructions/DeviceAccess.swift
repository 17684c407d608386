import Kernel
import Virtualization

/// A load or store of a general register, decoded: what a guest does to a device (RISC-V unprivileged architecture, RV64I and
/// C). Atomics and floating point have no place there.
struct DeviceAccess: Equatable {
  let width: AccessWidth
  let isStore: Bool
  let isSigned: Bool
  /// Where a load goes, where a store comes from.
  let register: Int
  /// Of the instruction as the guest has it.
  let byteCount: UInt64

  static let none = Self(width: .byte, isStore: false, isSigned: false, register: 0, byteCount: 4)

  /// What the register holds after a load of `value`.
  @inline(__always) func registerValue(loading value: UInt64) -> UInt64 {
    guard isSigned else { return value & width.mask }
    let unused = 64 &- 8 &* width.byteCount
    return UInt64(bitPattern: Int64(bitPattern: value &<< unused) &>> Int64(unused))
  }

  private enum Field {
    static let opcode = BitField(6, 0)
    static let rd = BitField(11, 7)
    static let funct3 = BitField(14, 12)
    static let rs2 = BitField(24, 20)
    static let quadrant = BitField(1, 0)
    static let compressedFunct3 = BitField(15, 13)
    static let compressedRD = BitField(11, 7)
    static let compressedRS2 = BitField(6, 2)
    static let shortRegister = BitField(4, 2)  // x8 to x15
  }

  private enum Opcode {
    static let load: UInt64 = 0b000_0011
    static let store: UInt64 = 0b010_0011
  }

  /// An instruction of 32 bits.
  ///
  /// - Parameter byteCount: Less than 4 where it stands for a compressed one.
  @inline(__always) init?(_ bits: UInt64, byteCount: UInt64 = 4) {
    let funct3 = Field.funct3.value(in: bits)
    guard let width = AccessWidth(rawValue: 1 &<< UInt8(truncatingIfNeeded: funct3 & 3)) else { return nil }
    switch Field.opcode.value(in: bits) {
    case Opcode.load:
      guard funct3 < 7 else { return nil }
      self.init(
        width: width, isStore: false, isSigned: funct3 < 4, register: Int(Field.rd.value(in: bits)),
        byteCount: byteCount)
    case Opcode.store:
      guard funct3 < 4 else { return nil }
      self.init(
        width: width, isStore: true, isSigned: false, register: Int(Field.rs2.value(in: bits)), byteCount: byteCount)
    default: return nil
    }
  }

  /// An instruction of 16 bits.
  init?(compressed bits: UInt64) {
    let short = Int(Field.shortRegister.value(in: bits)) + 8
    let long = Int(Field.compressedRD.value(in: bits))
    let source = Int(Field.compressedRS2.value(in: bits))
    switch (Field.quadrant.value(in: bits), Field.compressedFunct3.value(in: bits)) {
    case (0, 2): self.init(width: .word, isStore: false, isSigned: true, register: short, byteCount: 2)
    case (0, 3): self.init(width: .doubleword, isStore: false, isSigned: false, register: short, byteCount: 2)
    case (0, 6): self.init(width: .word, isStore: true, isSigned: false, register: short, byteCount: 2)
    case (0, 7): self.init(width: .doubleword, isStore: true, isSigned: false, register: short, byteCount: 2)
    case (2, 2): self.init(width: .word, isStore: false, isSigned: true, register: long, byteCount: 2)
    case (2, 3): self.init(width: .doubleword, isStore: false, isSigned: false, register: long, byteCount: 2)
    case (2, 6): self.init(width: .word, isStore: true, isSigned: false, register: source, byteCount: 2)
    case (2, 7): self.init(width: .doubleword, isStore: true, isSigned: false, register: source, byteCount: 2)
    default: return nil
    }
  }

  private init(width: AccessWidth, isStore: Bool, isSigned: Bool, register: Int, byteCount: UInt64) {
    self.width = width
    self.isStore = isStore
    self.isSigned = isSigned
    self.register = register
    self.byteCount = byteCount
  }
}
