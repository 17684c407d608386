import CGuestX86_64

/// What this machine has, as the boot parameters and the ACPI tables say.
struct Platform {
  struct Range {
    let address: UInt64
    let byteCount: UInt64
  }

  private(set) var memory: [Range] = []
  private(set) var commandLine: [UInt8] = []
  private(set) var apicIDs: [UInt64] = []
  private(set) var ioAPIC: UInt64 = 0
  /// What lies in memory that is in use: the parameters with the page tables, up to the end of the ACPI tables.
  let tables: Range

  private static let commandLineLimit: UInt64 = 2047

  /// Reads Linux's boot parameters (x86/zero-page.rst).
  init(parameters: UInt64) {
    tables = Range(address: parameters, byteCount: 0xB000)
    let count = min(UInt64(Self.byte(parameters + 0x1E8)), 128)
    for index in 0..<count {
      let entry = parameters + 0x2D0 + index * 20
      guard Self.number(entry + 16, 4) == 1 else { continue }
      memory.append(Range(address: Self.number(entry, 8), byteCount: Self.number(entry + 8, 8)))
    }
    let line = Self.number(parameters + 0x228, 4)
    var offset: UInt64 = 0
    while offset < Self.commandLineLimit, Self.byte(line + offset) != 0 {
      commandLine.append(Self.byte(line + offset))
      offset += 1
    }
    readTables(Self.number(parameters + 0x70, 8))
  }

  /// The MADT, by way of the root pointer and the XSDT (ACPI 6.5, 5.2).
  private mutating func readTables(_ rootPointer: UInt64) {
    let root = Self.number(rootPointer + 24, 8)
    let end = root + Self.number(root + 4, 4)
    var entry = root + 36
    while entry + 8 <= end {
      let table = Self.number(entry, 8)
      if Self.number(table, 4) == 0x4349_5041 { readControllers(table) }  // "APIC"
      entry += 8
    }
  }

  private mutating func readControllers(_ table: UInt64) {
    let end = table + Self.number(table + 4, 4)
    var entry = table + 44
    while entry + 2 <= end, Self.byte(entry + 1) >= 2 {
      switch Self.byte(entry) {
      case 0: if apicIDs.count < Int(GUEST_CPU_LIMIT) { apicIDs.append(UInt64(Self.byte(entry + 3))) }
      case 1: ioAPIC = Self.number(entry + 4, 4)
      default: break
      }
      entry += UInt64(Self.byte(entry + 1))
    }
  }

  private static func byte(_ address: UInt64) -> UInt8 {
    // SAFETY: the loader's tables lie in memory, which is mapped as it is.
    unsafe guest_read8(UnsafeRawPointer(bitPattern: UInt(address)))
  }

  private static func number(_ address: UInt64, _ byteCount: UInt64) -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<byteCount { value |= UInt64(byte(address + index)) << (index * 8) }
    return value
  }
}
