import Virtualization

/// A guest's ACPI tables (ACPI 6.5, chapter 5): root pointer, XSDT, FADT, MADT, DSDT, FACS, in one piece.
struct GuestACPI {
  /// Where the piece lies in the guest's memory.
  let base: UInt64
  let vcpuCount: Int
  let hasSerialPort: Bool
  let hasClock: Bool

  /// Offsets from the base.
  private enum Place {
    static let rootPointer = 0x000
    static let extendedTable = 0x040
    static let fixedTable = 0x100
    static let controllers = 0x300
    static let facs = 0x800
    static let definitions = 0x900
  }

  func write(to bytes: inout ByteWriter, at origin: Int) {
    writeRootPointer(&bytes, origin + Place.rootPointer)
    writeExtendedTable(&bytes, origin + Place.extendedTable)
    writeFixedTable(&bytes, origin + Place.fixedTable)
    writeControllers(&bytes, origin + Place.controllers)
    bytes.put("FACS", at: origin + Place.facs)
    bytes.put(UInt32(64), at: origin + Place.facs + 4)
    bytes.put(UInt8(2), at: origin + Place.facs + 32)
    writeDefinitions(&bytes, origin + Place.definitions)
  }

  private func writeRootPointer(_ bytes: inout ByteWriter, _ start: Int) {
    bytes.put("RSD PTR ", at: start)
    bytes.put("APUS  ", at: start + 9)
    bytes.put(UInt8(2), at: start + 15)
    bytes.put(UInt32(36), at: start + 20)
    bytes.put(base + UInt64(Place.extendedTable), at: start + 24)
    bytes.putChecksum(at: start + 8, over: start..<start + 20)
    bytes.putChecksum(at: start + 32, over: start..<start + 36)
  }

  /// The header that all tables begin with (5.2.6), and the checksum over the whole table, which is complete.
  private func finish(
    _ bytes: inout ByteWriter, _ signature: StaticString, _ start: Int, byteCount: Int, revision: UInt8
  ) {
    bytes.put(signature, at: start)
    bytes.put(UInt32(byteCount), at: start + 4)
    bytes.put(revision, at: start + 8)
    bytes.put("APUS  ", at: start + 10)
    bytes.put("APUSVM  ", at: start + 16)
    bytes.put(UInt32(1), at: start + 24)
    bytes.put("APUS", at: start + 28)
    bytes.put(UInt32(1), at: start + 32)
    bytes.putChecksum(at: start + 9, over: start..<start + byteCount)
  }

  private func writeExtendedTable(_ bytes: inout ByteWriter, _ start: Int) {
    bytes.put(base + UInt64(Place.fixedTable), at: start + 36)
    bytes.put(base + UInt64(Place.controllers), at: start + 44)
    finish(&bytes, "XSDT", start, byteCount: 52, revision: 1)
  }

  /// FADT (5.2.9): the ports of power management, and what a PC has that is not here: keyboard, VGA.
  private func writeFixedTable(_ bytes: inout ByteWriter, _ start: Int) {
    bytes.put(UInt32(truncatingIfNeeded: base + UInt64(Place.facs)), at: start + 36)
    bytes.put(UInt32(truncatingIfNeeded: base + UInt64(Place.definitions)), at: start + 40)
    bytes.put(UInt8(4), at: start + 45)  // an enterprise server
    bytes.put(UInt16(9), at: start + 46)  // SCI
    bytes.put(UInt32(GuestPlace.powerEvents), at: start + 56)
    bytes.put(UInt32(GuestPlace.powerControl), at: start + 64)
    bytes.put(UInt32(GuestPlace.powerTimer), at: start + 76)
    bytes.put(UInt8(4), at: start + 88)  // bytes of PM1_EVT
    bytes.put(UInt8(2), at: start + 89)  // of PM1_CNT
    bytes.put(UInt8(4), at: start + 91)  // of PM_TMR
    bytes.put(UInt16(0xfff), at: start + 96)  // C2 and C3 take too long: there are none
    bytes.put(UInt16(0xfff), at: start + 98)
    bytes.put(UInt16(hasClock ? 0x04 : 0x24), at: start + 109)  // no VGA, perhaps no CMOS clock; no 8042 either
    // WBINVD works, C1 on all CPUs, power and sleep buttons are not fixed hardware, no event by the clock, 32-bit timer,
    // reset register.
    bytes.put(UInt32(0x0000_0575), at: start + 112)
    writeAddress(&bytes, start + 116, port: GuestPlace.reset, bitCount: 8, accessSize: 1)
    bytes.put(GuestPlace.resetValue, at: start + 128)
    bytes.put(UInt8(1), at: start + 131)  // minor version
    bytes.put(base + UInt64(Place.definitions), at: start + 140)
    writeAddress(&bytes, start + 148, port: GuestPlace.powerEvents, bitCount: 32, accessSize: 2)
    writeAddress(&bytes, start + 172, port: GuestPlace.powerControl, bitCount: 16, accessSize: 2)
    writeAddress(&bytes, start + 208, port: GuestPlace.powerTimer, bitCount: 32, accessSize: 3)
    finish(&bytes, "FACP", start, byteCount: 276, revision: 6)
  }

  /// A generic address structure that names a port (5.2.3.2).
  private func writeAddress(
    _ bytes: inout ByteWriter, _ start: Int, port: UInt16, bitCount: UInt8, accessSize: UInt8
  ) {
    bytes.put(UInt8(1), at: start)
    bytes.put(bitCount, at: start + 1)
    bytes.put(accessSize, at: start + 3)
    bytes.put(UInt64(port), at: start + 4)
  }

  /// MADT (5.2.12): the local APICs, the I/O APIC, the SCI as a level, NMI at the second pin.
  private func writeControllers(_ bytes: inout ByteWriter, _ start: Int) {
    bytes.put(UInt32(GuestPlace.localAPIC.rawValue), at: start + 36)
    var offset = start + 44
    for index in 0..<vcpuCount {
      bytes.put([0, 8, UInt8(index), UInt8(index), 1, 0, 0, 0], at: offset)
      offset += 8
    }
    bytes.put([1, 12, 0, 0], at: offset)
    bytes.put(UInt32(GuestPlace.ioAPIC.rawValue), at: offset + 4)
    offset += 12
    bytes.put([2, 10, 0, 9], at: offset)
    bytes.put(UInt32(9), at: offset + 4)
    bytes.put(UInt16(0xd), at: offset + 8)  // active high, level
    offset += 10
    bytes.put([4, 6, 0xff, 0, 0, 1], at: offset)
    offset += 6
    finish(&bytes, "APIC", start, byteCount: offset - start, revision: 5)
  }

  // MARK: - DSDT

  private func writeDefinitions(_ bytes: inout ByteWriter, _ start: Int) {
    // Name (_S5, Package () {5, 0, 0, 0}): SLP_TYPa 5.
    var code: [UInt8] = [0x08] + name("_S5_") + [0x12, 0x08, 0x04, 0x0a, GuestPlace.softOffType, 0x00, 0x00, 0x00]
    if hasSerialPort { code += inScope(serialPort) }
    bytes.put(code, at: start + 36)
    finish(&bytes, "DSDT", start, byteCount: 36 + code.count, revision: 2)
  }

  /// Scope (\_SB) { … }
  private func inScope(_ body: [UInt8]) -> [UInt8] {
    [0x10] + withLength([0x5c] + name("_SB_") + body)
  }

  /// Device (COM1) with _HID PNP0501, ports 0x3f8 to 0x3ff and interrupt 4.
  private var serialPort: [UInt8] {
    var body = name("COM1")
    body += [0x08] + name("_HID") + [0x0c, 0x41, 0xd0, 0x05, 0x01]  // EisaId ("PNP0501")
    body += [0x08] + name("_UID") + [0x01]
    let resources: [UInt8] = [
      0x47, 0x01, 0xf8, 0x03, 0xf8, 0x03, 0x01, 0x08,  // IO (Decode16, 0x3f8, 0x3f8, 1, 8)
      0x22, 0x10, 0x00,  // IRQNoFlags () {4}
      0x79, 0x00,  // end
    ]
    body += [0x08] + name("_CRS") + [0x11] + withLength([0x0a, UInt8(resources.count)] + resources)
    return [0x5b, 0x82] + withLength(body)
  }

  private func name(_ text: StaticString) -> [UInt8] {
    var bytes: [UInt8] = []
    // SAFETY: the index stays below the literal's own length.
    for index in 0..<text.utf8CodeUnitCount { bytes.append(unsafe text.utf8Start[index]) }
    return bytes
  }

  /// PkgLength counts itself (20.2.4): one byte up to 63, else two.
  private func withLength(_ body: [UInt8]) -> [UInt8] {
    let count = body.count + 1
    if count < 64 { return [UInt8(count)] + body }
    let wide = body.count + 2
    return [0x40 | UInt8(wide & 15), UInt8(wide >> 4)] + body
  }
}
