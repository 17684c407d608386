import Kernel
import Virtualization

/// The width of code: what a segment's descriptor and EFER.LMA make of operands and addresses.
enum CodeWidth {
  case bits16
  case bits32
  case bits64

  init(_ code: SegmentRegister, efer: UInt64) {
    if efer & MSR.eferLMA != 0, code.isLong {
      self = .bits64
    } else {
      self = code.isBig ? .bits32 : .bits16
    }
  }
}

/// What stands before an opcode (AMD APM 3, 1.2).
struct InstructionPrefixes {
  private(set) var byteCount = 0
  private(set) var hasOperandSize = false
  private(set) var hasAddressSize = false
  private(set) var hasLock = false
  private(set) var hasRepeat = false
  /// The REX prefix; zero where there is none.
  private(set) var rex: UInt8 = 0

  /// Nil where the bytes end before an opcode.
  init?(_ bytes: InstructionBytes, _ width: CodeWidth) {
    while let byte = bytes.byte(byteCount) {
      switch byte {
      case 0x66: hasOperandSize = true
      case 0x67: hasAddressSize = true
      case 0xf0: hasLock = true
      case 0xf2, 0xf3: hasRepeat = true
      case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65: break  // segments
      case 0x40...0x4f where width == .bits64:
        // Only one that stands right before the opcode counts.
        if let next = bytes.byte(byteCount &+ 1), !Self.isPrefix(next) { rex = byte }
      default: return
      }
      byteCount &+= 1
    }
    return nil
  }

  private static func isPrefix(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x26, 0x2e, 0x36, 0x3e, 0x40...0x4f, 0x64...0x67, 0xf0, 0xf2, 0xf3: true
    default: false
    }
  }
}

/// An instruction that moves something between a register and memory: all that is emulated for devices.
struct MemoryInstruction: Equatable {
  let byteCount: Int
  /// Of the access to memory.
  let width: AccessWidth
  let operation: Operation

  enum Operation: Equatable {
    case load(into: Register, to: AccessWidth, isSigned: Bool)
    case store(Register)
    case storeImmediate(UInt64)
  }

  struct Register: Equatable {
    let number: Int
    /// AH, CH, DH or BH: bits 15 to 8 of `number`.
    let isHighByte: Bool
  }

  /// Nil for every other instruction, and for bytes that end too early.
  init?(_ bytes: InstructionBytes, _ width: CodeWidth) {
    guard let prefixes = InstructionPrefixes(bytes, width), !prefixes.hasLock, !prefixes.hasRepeat else { return nil }
    self.init(bytes, width, prefixes)
  }

  private init?(_ bytes: InstructionBytes, _ code: CodeWidth, _ prefixes: InstructionPrefixes) {
    let rex = prefixes.rex
    let operand: AccessWidth
    if rex & 8 != 0 {
      operand = .doubleword
    } else {
      operand = (code == .bits16) != prefixes.hasOperandSize ? .halfword : .word
    }
    let start = prefixes.byteCount
    guard let opcode = bytes.byte(start) else { return nil }
    switch opcode {
    case 0x88, 0x89, 0x8a, 0x8b:
      let access: AccessWidth = opcode & 1 == 0 ? .byte : operand
      guard let form = ModRM(bytes, at: start &+ 1, code, prefixes) else { return nil }
      let register = form.register(rex, access)
      let operation: Operation =
        opcode & 2 == 0 ? .store(register) : .load(into: register, to: access, isSigned: false)
      self.init(byteCount: form.end, width: access, operation: operation)
    case 0xc6, 0xc7:
      let access: AccessWidth = opcode == 0xc6 ? .byte : operand
      guard let form = ModRM(bytes, at: start &+ 1, code, prefixes), form.field == 0 else { return nil }
      // An immediate has four bytes at most, and is extended by its sign.
      let size = min(Int(access.byteCount), 4)
      guard let number = bytes.number(at: form.end, byteCount: size) else { return nil }
      let value = access == .doubleword ? UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: number))) : number
      self.init(byteCount: form.end &+ size, width: access, operation: .storeImmediate(value))
    case 0xa0, 0xa1, 0xa2, 0xa3:
      let access: AccessWidth = opcode & 1 == 0 ? .byte : operand
      let end = start &+ 1 &+ Self.offsetByteCount(code, prefixes)
      guard end <= bytes.count else { return nil }
      let register = Register(number: 0, isHighByte: false)
      let operation: Operation =
        opcode & 2 == 0 ? .load(into: register, to: access, isSigned: false) : .store(register)
      self.init(byteCount: end, width: access, operation: operation)
    case 0x63 where code == .bits64:
      guard rex & 8 != 0, let form = ModRM(bytes, at: start &+ 1, code, prefixes) else { return nil }
      self.init(
        byteCount: form.end, width: .word,
        operation: .load(into: form.register(rex, .doubleword), to: .doubleword, isSigned: true))
    case 0x0f:
      guard let second = bytes.byte(start &+ 1), second & 0xf6 == 0xb6,
        let form = ModRM(bytes, at: start &+ 2, code, prefixes)
      else { return nil }
      self.init(
        byteCount: form.end, width: second & 1 == 0 ? .byte : .halfword,
        operation: .load(into: form.register(rex, operand), to: operand, isSigned: second & 8 != 0))
    default: return nil
    }
  }

  private init(byteCount: Int, width: AccessWidth, operation: Operation) {
    self.byteCount = byteCount
    self.width = width
    self.operation = operation
  }

  /// Bytes of an address that stands in the instruction itself.
  private static func offsetByteCount(_ code: CodeWidth, _ prefixes: InstructionPrefixes) -> Int {
    switch code {
    case .bits64: prefixes.hasAddressSize ? 4 : 8
    case .bits32: prefixes.hasAddressSize ? 2 : 4
    case .bits16: prefixes.hasAddressSize ? 4 : 2
    }
  }
}

/// The bytes that name a register and a place in memory (AMD APM 3, 1.4).
private struct ModRM {
  /// The register, or a part of the opcode.
  let field: UInt8
  /// The index of the first byte behind.
  let end: Int

  /// Nil where the operand is no memory, or the bytes end too early.
  init?(_ bytes: InstructionBytes, at start: Int, _ code: CodeWidth, _ prefixes: InstructionPrefixes) {
    guard let byte = bytes.byte(start), byte >> 6 != 3 else { return nil }
    field = byte >> 3 & 7
    let mode = byte >> 6
    let place = byte & 7
    var end = start &+ 1
    let isSmall = (code == .bits16) != prefixes.hasAddressSize && code != .bits64
    if isSmall {
      end &+= mode == 1 ? 1 : (mode == 2 || place == 6 ? 2 : 0)
    } else {
      var base = place
      if place == 4 {
        guard let scaled = bytes.byte(end) else { return nil }
        base = scaled & 7
        end &+= 1
      }
      end &+= mode == 1 ? 1 : (mode == 2 || base == 5 ? 4 : 0)
    }
    guard end <= bytes.count else { return nil }
    self.end = end
  }

  func register(_ rex: UInt8, _ width: AccessWidth) -> MemoryInstruction.Register {
    let number = Int(field) | (rex & 4 != 0 ? 8 : 0)
    if width == .byte, rex == 0, number >= 4 {
      return MemoryInstruction.Register(number: number &- 4, isHighByte: true)
    }
    return MemoryInstruction.Register(number: number, isHighByte: false)
  }
}

extension MemoryInstruction.Register {
  /// What a store of `width` moves.
  func value(in registers: GuestRegisters, _ width: AccessWidth) -> UInt64 {
    (registers[number] &>> (isHighByte ? 8 : 0)) & width.mask
  }

  /// A register's new value: 32 bits clear the upper half, less leaves it (AMD APM 1, 3.1.2).
  static func merged(_ old: UInt64, _ value: UInt64, _ width: AccessWidth, isHighByte: Bool) -> UInt64 {
    switch width {
    case .doubleword: value
    case .word: value & 0xffff_ffff
    case .halfword: (old & ~0xffff) | (value & 0xffff)
    case .byte: isHighByte ? (old & ~0xff00) | (value & 0xff) << 8 : (old & ~0xff) | (value & 0xff)
    }
  }
}

extension AccessWidth {
  /// `value`, which has this width, extended by its sign.
  func signExtended(_ value: UInt64) -> UInt64 {
    let shift = 64 &- byteCount &* 8
    return UInt64(bitPattern: Int64(bitPattern: value &<< shift) &>> Int64(shift))
  }
}
