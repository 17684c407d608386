import Kernel
import Manifest
import Virtualization

/// What a guest finds in its memory at the start: Linux's boot parameters, the tables of 64-bit mode, and the ACPI tables that
/// tell what it has. One piece, at the place that the manifest keeps for the architecture's description of the machine.
enum GuestTables {
  /// Offsets from the base.
  enum Place {
    /// `struct boot_params` (Linux, x86/zero-page.rst). First, because RSI leads here.
    static let bootParameters: UInt64 = 0x0000
    static let commandLine: UInt64 = 0x1000
    static let descriptors: UInt64 = 0x2000
    /// Six tables: one, one, and four that map 1 GiB each.
    static let pageTables: UInt64 = 0x3000
    static let acpi: UInt64 = 0x9000
  }

  static let acpiByteCount: UInt64 = 0x2000
  static let byteCount = Place.acpi + acpiByteCount

  /// Where the tables begin in the room that begins at `address`: they need whole pages.
  static func base(in address: UInt64) -> UInt64 { (address &+ 4095) & ~4095 }

  /// - Parameter memory: Where the images are already.
  static func make<Memory: PhysicalMemory>(
    at address: UInt64, manifest: borrowing VMManifest, memory: borrowing GuestMemory<Memory>, counterHz: UInt64
  ) -> [UInt8] {
    let base = base(in: address)
    var bytes = ByteWriter(byteCount: Int(base &- address &+ byteCount), origin: Int(base &- address))
    let isLinux = copySetupHeader(&bytes, manifest, memory)
    writeBootParameters(&bytes, base, manifest)
    writeCommandLine(&bytes, manifest, counterHz: isLinux ? counterHz : nil)
    writeDescriptors(&bytes)
    writePageTables(&bytes, base)
    GuestACPI(
      base: base + Place.acpi, vcpuCount: manifest.vcpus.count, hasSerialPort: has(.uart, manifest),
      hasClock: has(.clock, manifest)
    )
    .write(to: &bytes, at: Int(Place.acpi))
    return bytes.bytes
  }

  private static func has(_ kind: DeviceKind, _ manifest: borrowing VMManifest) -> Bool {
    for device in manifest.devices where device.kind == kind { return true }
    return false
  }

  // MARK: - Boot parameters

  /// Offsets in `struct boot_params` (Linux, x86/zero-page.rst and boot.rst).
  private enum Parameter {
    static let rootPointer = 0x070
    static let e820Count = 0x1e8
    static let bootFlag = 0x1fe
    static let header = 0x202
    static let version = 0x206
    static let loaderType = 0x210
    static let loadFlags = 0x211
    static let ramdiskAddress = 0x218
    static let ramdiskByteCount = 0x21c
    static let commandLine = 0x228
    static let commandLineByteCount = 0x238
    static let e820 = 0x2d0
    static let e820Limit = 128
  }

  private enum MemoryKind: UInt32 {
    case usable = 1
    case reserved = 2
    case acpi = 3
  }

  private static func writeBootParameters(_ bytes: inout ByteWriter, _ base: UInt64, _ manifest: borrowing VMManifest) {
    bytes.put(base + Place.acpi, at: Parameter.rootPointer)
    bytes.put(UInt16(0xaa55), at: Parameter.bootFlag)
    bytes.put(UInt32(0x5372_6448), at: Parameter.header)  // "HdrS"
    bytes.put(UInt16(0x020f), at: Parameter.version)
    bytes.put(UInt8(0xff), at: Parameter.loaderType)  // a loader without a number
    bytes.put(UInt8(1), at: Parameter.loadFlags)  // LOADED_HIGH
    if let ramdisk = manifest.ramdisk {
      bytes.put(UInt32(truncatingIfNeeded: ramdisk.base.rawValue), at: Parameter.ramdiskAddress)
      bytes.put(UInt32(truncatingIfNeeded: ramdisk.byteCount), at: Parameter.ramdiskByteCount)
    }
    bytes.put(UInt32(truncatingIfNeeded: base + Place.commandLine), at: Parameter.commandLine)
    bytes.put(UInt32(2047), at: Parameter.commandLineByteCount)
    writeMemoryMap(&bytes, base, manifest)
  }

  /// The kernel's own header, which it wants to find in its parameters (boot.rst, "64-bit Boot Protocol").
  /// - Returns: whether the kernel is a bzImage.
  private static func copySetupHeader<Memory: PhysicalMemory>(
    _ bytes: inout ByteWriter, _ manifest: borrowing VMManifest, _ memory: borrowing GuestMemory<Memory>
  ) -> Bool {
    for image in manifest.images where image.kind == .kernel {
      let start = image.guestAddress.rawValue
      guard number(start &+ 0x202, memory) == 0x5372_6448 else { continue }
      let jump = number(start &+ 0x201, memory) & 0xff
      // The header ends where the jump in front of it goes to.
      for offset in 0x1f1..<min(0x202 + Int(jump), 0x290) {
        bytes.put(UInt8(truncatingIfNeeded: number(start &+ UInt64(offset), memory)), at: offset)
      }
      return true
    }
    return false
  }

  /// A word of guest memory; 0 where none is.
  private static func number<Memory: PhysicalMemory>(
    _ address: UInt64, _ memory: borrowing GuestMemory<Memory>
  ) -> UInt32 {
    do throws(GuestMemoryError) { return try memory.load(UInt32.self, at: GuestPhysicalAddress(address)) } catch {
      return 0
    }
  }

  /// The user's words come last, and count.
  /// - Parameter counterHz: Told to Linux, which would measure it with a timer that is not here; so is the console, which
  ///   elsewhere stands in the device tree.
  private static func writeCommandLine(
    _ bytes: inout ByteWriter, _ manifest: borrowing VMManifest, counterHz: UInt64?
  ) {
    var line: [UInt8] = []
    if let counterHz {
      let console: StaticString = has(.uart, manifest) ? "console=ttyS0 " : ""
      var text: LogText = "tsc_early_khz=\(counterHz / 1000) \(console)"
      for index in 0..<text.byteCount { line.append(text[index]) }
    }
    line += manifest.commandLine
    for index in 0..<min(line.count, 2047) { bytes.put(line[index], at: Int(Place.commandLine) + index) }
  }

  /// RAM, without what real PCs have between 640 KiB and 1 MiB, and without the ACPI tables.
  private static func writeMemoryMap(_ bytes: inout ByteWriter, _ base: UInt64, _ manifest: borrowing VMManifest) {
    var count = 0
    let holes = [(0x9_fc00, 0x10_0000, MemoryKind.reserved), (base + Place.acpi, base + byteCount, MemoryKind.acpi)]
    for range in manifest.memory {
      var start = range.base.rawValue
      let end = range.base.rawValue &+ range.byteCount
      for (first, last, kind) in holes where first >= start && last <= end {
        writeEntry(&bytes, &count, start, first, .usable)
        writeEntry(&bytes, &count, first, last, kind)
        start = last
      }
      writeEntry(&bytes, &count, start, end, .usable)
    }
    bytes.put(UInt8(count), at: Parameter.e820Count)
  }

  private static func writeEntry(
    _ bytes: inout ByteWriter, _ count: inout Int, _ start: UInt64, _ end: UInt64, _ kind: MemoryKind
  ) {
    guard start < end, count < Parameter.e820Limit else { return }
    let offset = Parameter.e820 + count * 20
    bytes.put(start, at: offset)
    bytes.put(end - start, at: offset + 8)
    bytes.put(kind.rawValue, at: offset + 16)
    count += 1
  }

  // MARK: - 64-bit mode

  /// Selectors 0x10 and 0x18, as Linux wants them.
  private static func writeDescriptors(_ bytes: inout ByteWriter) {
    bytes.put(UInt64(0x00af_9b00_0000_ffff), at: Int(Place.descriptors) + 0x10)
    bytes.put(UInt64(0x00cf_9300_0000_ffff), at: Int(Place.descriptors) + 0x18)
  }

  /// The first 4 GiB, each address where it is, in pages of 2 MiB.
  private static func writePageTables(_ bytes: inout ByteWriter, _ base: UInt64) {
    let table: UInt64 = 0x23  // present, writable, accessed
    let page: UInt64 = 0xe3  // and dirty, large
    let root = base + Place.pageTables
    bytes.put(root + 0x1000 | table, at: Int(Place.pageTables))
    for index in 0..<4 as Range<UInt64> {
      bytes.put(root + 0x2000 + index * 0x1000 | table, at: Int(Place.pageTables + 0x1000 + index * 8))
    }
    for index in 0..<2048 as Range<UInt64> {
      bytes.put(index << 21 | page, at: Int(Place.pageTables + 0x2000 + index * 8))
    }
  }
}

/// Bytes in which little-endian numbers are placed. Set-up only.
struct ByteWriter {
  private(set) var bytes: [UInt8]
  private let origin: Int

  /// - Parameter origin: What offset 0 is.
  init(byteCount: Int, origin: Int = 0) {
    bytes = [UInt8](repeating: 0, count: byteCount)
    self.origin = origin
  }

  mutating func put<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
    var rest = value
    for index in 0..<Value.bitWidth / 8 {
      bytes[origin + offset + index] = UInt8(truncatingIfNeeded: rest)
      rest >>= 7
      rest >>= 1
    }
  }

  mutating func put(_ text: StaticString, at offset: Int) {
    for index in 0..<text.utf8CodeUnitCount {
      // SAFETY: `index` is below the literal's own length.
      bytes[origin + offset + index] = unsafe text.utf8Start[index]
    }
  }

  mutating func put(_ list: [UInt8], at offset: Int) {
    for (index, byte) in list.enumerated() { bytes[origin + offset + index] = byte }
  }

  /// Makes the bytes of `range` add up to zero by the one at `offset`.
  mutating func putChecksum(at offset: Int, over range: Range<Int>) {
    bytes[origin + offset] = 0
    var sum: UInt8 = 0
    for index in range { sum &+= bytes[origin + index] }
    bytes[origin + offset] = 0 &- sum
  }
}
