/// A virtual I/O APIC with 24 inputs (Intel 82093AA, 3.0). Its owner has a lock around it.
struct VirtualIOAPIC {
  static let inputCount = 24
  static let byteCount: UInt64 = 0x1000

  private var selected: UInt32 = 0
  private var identifier: UInt32 = 0
  private var entries = InlineArray<24, UInt64>(repeating: 1 << 16)
  /// The levels of the inputs, a bit each.
  private var lines: UInt32 = 0

  private enum Entry {
    static let vector: UInt64 = 0xff
    static let kindShift: UInt64 = 8
    static let logical: UInt64 = 1 << 11
    static let activeLow: UInt64 = 1 << 13
    static let remoteIRR: UInt64 = 1 << 14
    static let level: UInt64 = 1 << 15
    static let masked: UInt64 = 1 << 16
    static let writable: UInt64 = 0xff00_0000_0001_afff
  }

  /// An interrupt on its way to local APICs.
  struct Message: Equatable {
    let vector: UInt8
    /// As in the command register: fixed 0, lowest priority 1, NMI 4, ExtINT 7.
    let kind: UInt8
    let isLogical: Bool
    let isLevel: Bool
    let destination: UInt32
  }

  // MARK: - Lines

  /// Sets the level of an input. What is to be sent because of it.
  mutating func set(_ input: Int, isAsserted: Bool) -> Message? {
    guard input >= 0, input < Self.inputCount else { return nil }
    let bit: UInt32 = 1 << UInt32(input)
    let was = lines & bit != 0
    lines = isAsserted ? lines | bit : lines & ~bit
    guard isAsserted else { return nil }
    if entries[input] & Entry.level != 0 { return send(input) }
    return was ? nil : send(input)
  }

  /// Local APICs have ended the level-triggered `vector`: an input that is still up is sent again. At most one message for
  /// each call; called until nil.
  mutating func end(_ vector: UInt8) -> Message? {
    for input in 0..<Self.inputCount {
      let entry = entries[input]
      guard entry & Entry.vector == UInt64(vector), entry & Entry.level != 0, entry & Entry.remoteIRR != 0 else {
        continue
      }
      entries[input] = entry & ~Entry.remoteIRR
      if lines & (1 << UInt32(input)) != 0, let message = send(input) { return message }
    }
    return nil
  }

  private mutating func send(_ input: Int) -> Message? {
    let entry = entries[input]
    guard entry & Entry.masked == 0 else { return nil }
    let isLevel = entry & Entry.level != 0
    if isLevel {
      guard entry & Entry.remoteIRR == 0 else { return nil }
      entries[input] = entry | Entry.remoteIRR
    }
    return Message(
      vector: UInt8(truncatingIfNeeded: entry), kind: UInt8(truncatingIfNeeded: entry >> Entry.kindShift) & 7,
      isLogical: entry & Entry.logical != 0, isLevel: isLevel, destination: UInt32(truncatingIfNeeded: entry >> 56))
  }

  // MARK: - Registers

  /// At 0x00 the number of a register, at 0x10 the register.
  mutating func read(offset: UInt64) -> UInt32 {
    switch offset {
    case 0x00: return selected
    case 0x10: return register(selected)
    default: return 0
    }
  }

  mutating func write(offset: UInt64, _ value: UInt32) -> Message? {
    switch offset {
    case 0x00: selected = value & 0xff
    case 0x10: return setRegister(selected, value)
    default: break
    }
    return nil
  }

  private mutating func register(_ number: UInt32) -> UInt32 {
    switch number {
    case 0x00, 0x02: return identifier
    case 0x01: return UInt32(Self.inputCount - 1) << 16 | 0x11
    case 0x10..<0x40:
      let entry = entries[Int(number - 0x10) / 2]
      return UInt32(truncatingIfNeeded: number & 1 == 0 ? entry : entry >> 32)
    default: return 0
    }
  }

  private mutating func setRegister(_ number: UInt32, _ value: UInt32) -> Message? {
    if number == 0 { identifier = value & 0x0f00_0000 }
    guard 0x10..<0x40 ~= number else { return nil }
    let input = Int(number - 0x10) / 2
    let old = entries[input]
    let written =
      number & 1 == 0 ? old & ~0xffff_ffff | UInt64(value) : old & 0xffff_ffff | UInt64(value) << 32
    var entry = written & Entry.writable | old & Entry.remoteIRR
    if entry & Entry.level == 0 { entry &= ~Entry.remoteIRR }
    entries[input] = entry
    // A level that is up comes through when it is unmasked.
    if entry & Entry.level != 0, lines & (1 << UInt32(input)) != 0 { return send(input) }
    return nil
  }

  mutating func reset() {
    selected = 0
    identifier = 0
    for input in 0..<Self.inputCount { entries[input] = Entry.masked }
  }
}
