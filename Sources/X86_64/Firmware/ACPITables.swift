/// What the hypervisor needs of the firmware's ACPI tables (ACPI 6.5, chapter 5). Nothing is kept but places; every number
/// that the tables give is checked against the table it is in.
struct ACPITables<Memory: TableMemory> {
  private let memory: Memory
  private let root: TableBytes
  /// Bytes of an entry of the root table: 8 in an XSDT, 4 in an RSDT.
  private let entryByteCount: Int

  /// No firmware has as large a table, and a broken one may say anything.
  private static var largestTable: UInt32 { 1 << 20 }
  private static var headerByteCount: Int { 36 }

  /// - Parameter pointer: Where the root system description pointer is (5.2.5.3). Nil where there are no sound tables.
  init?(pointer: UInt64, memory: Memory) {
    guard let rsdp = memory.bytes(at: pointer, count: 20), rsdp.has("RSD PTR ", at: 0), rsdp.sumsToZero,
      let revision = rsdp.u8(15)
    else { return nil }
    self.memory = memory
    if revision >= 2, let extended = memory.bytes(at: pointer, count: 36), let place = extended.u64(24), place != 0,
      let table = Self.table(at: place, "XSDT", in: memory)
    {
      root = table
      entryByteCount = 8
    } else if let place = rsdp.u32(16), let table = Self.table(at: UInt64(place), "RSDT", in: memory) {
      root = table
      entryByteCount = 4
    } else {
      return nil
    }
  }

  private static func table(at address: UInt64, _ signature: StaticString, in memory: Memory) -> TableBytes? {
    guard let header = memory.bytes(at: address, count: headerByteCount), header.has(signature, at: 0),
      let length = header.u32(4), length >= UInt32(headerByteCount), length <= largestTable,
      let table = memory.bytes(at: address, count: Int(length)), table.sumsToZero
    else { return nil }
    return table
  }

  /// The first sound table with that signature.
  func table(_ signature: StaticString) -> TableBytes? {
    var offset = Self.headerByteCount
    while offset + entryByteCount <= root.count {
      let place = entryByteCount == 8 ? root.u64(offset) : root.u32(offset).map { UInt64($0) }
      if let place, let table = Self.table(at: place, signature, in: memory) { return table }
      offset += entryByteCount
    }
    return nil
  }

  // MARK: - MADT (5.2.12)

  /// The APIC identifier of each CPU that may be used, in the table's order.
  func forEachCPU(_ body: (UInt32) -> Void) {
    forEachController { type, table, offset in
      switch type {
      case 0:  // local APIC; flags bit 0: enabled
        if let id = table.u8(offset + 3), let flags = table.u32(offset + 4), flags & 1 != 0 { body(UInt32(id)) }
      case 9:  // local x2APIC
        if let id = table.u32(offset + 4), let flags = table.u32(offset + 8), flags & 1 != 0 { body(id) }
      default: break
      }
    }
  }

  /// The I/O APIC whose inputs begin at the lowest number.
  var ioAPIC: IOAPICDescription? {
    var found: IOAPICDescription?
    forEachController { type, table, offset in
      guard type == 1, let address = table.u32(offset + 4), let first = table.u32(offset + 8) else { return }
      if first <= found?.firstInput ?? .max { found = IOAPICDescription(address: UInt64(address), firstInput: first) }
    }
    return found
  }

  /// The I/O APIC input that interrupt `number` of the ISA bus comes to (5.2.12.5).
  func input(ofISA number: UInt8) -> UInt32 {
    var input = UInt32(number)
    forEachController { type, table, offset in
      guard type == 2, table.u8(offset + 3) == number, let global = table.u32(offset + 4) else { return }
      input = global
    }
    return input
  }

  private func forEachController(_ body: (UInt8, TableBytes, Int) -> Void) {
    guard let table = table("APIC") else { return }
    var offset = 44
    while let type = table.u8(offset), let length = table.u8(offset + 1), length >= 2,
      offset + Int(length) <= table.count
    {
      body(type, table, offset)
      offset += Int(length)
    }
  }

  // MARK: - Clocks

  /// Base address of the high-precision event timer's registers (IA-PC HPET 1.0a, 3.2.4).
  var eventTimer: UInt64? {
    guard let table = table("HPET"), table.u8(40) == 0, let address = table.u64(44), address != 0 else { return nil }
    return address
  }

  /// The I/O port of the power-management timer (5.2.9, PM_TMR_BLK).
  var powerManagementTimer: UInt16? {
    guard let table = table("FACP"), let port = table.u32(76), port > 0, port <= UInt32(UInt16.max) - 3,
      table.u8(91) == 4
    else { return nil }
    return UInt16(port)
  }

  // MARK: - Power

  /// How to enter sleep state S5: what to write to PM1a_CNT (5.2.9, 7.4.2). Nil where the tables do not say.
  var softOff: SoftOff? {
    guard let fixed = table("FACP"), let port = fixed.u32(64), port > 0, port <= UInt32(UInt16.max) - 1 else {
      return nil
    }
    let wide = fixed.u64(140).flatMap { $0 == 0 ? nil : $0 }
    guard let place = wide ?? fixed.u32(40).map({ UInt64($0) }),
      let definitions = Self.table(at: place, "DSDT", in: memory),
      let type = Self.sleepType(in: definitions)
    else { return nil }
    return SoftOff(port: UInt16(port), value: UInt16(type & 7) << 10 | 1 << 13)
  }

  /// SLP_TYPa: the first element of the package \_S5, which is found by its name among the AML (20.2.5.1).
  private static func sleepType(in definitions: TableBytes) -> UInt8? {
    for offset in headerByteCount..<max(headerByteCount, definitions.count - 8)
    where definitions.has("_S5_", at: offset) {
      var next = offset + 4
      guard definitions.u8(next) == 0x12, let lead = definitions.u8(next + 1) else { continue }  // PackageOp, PkgLength
      next += 2 + Int(lead >> 6) + 1  // the rest of PkgLength, NumElements
      switch definitions.u8(next) {
      case 0x00, 0x01: return definitions.u8(next)  // ZeroOp, OneOp
      case 0x0a: return definitions.u8(next + 1)  // BytePrefix
      default: continue
      }
    }
    return nil
  }
}

/// An I/O APIC, as the firmware describes it.
struct IOAPICDescription: Equatable {
  let address: UInt64
  /// The global number of its input 0.
  let firstInput: UInt32
}

/// What turns the machine off.
struct SoftOff: Equatable {
  let port: UInt16
  let value: UInt16
}
