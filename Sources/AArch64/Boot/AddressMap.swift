import CAArch64
import Kernel

/// The hypervisor's own virtual addresses: 48 bits, one table for all CPUs, built at boot and then left alone.
///
///     0x8000_0000_0000  direct map: all RAM, write-back, at a fixed offset from its physical address
///     0xc000_0000_0000  device windows, Device-nGnRE, at a fixed offset
///     0xe000_0000_0000  tasks' stacks, with nothing between them (StackWindow)
///     0xff00_0000_0000  the image, 4 KiB pages, each writable or executable, never both (filled by Entry.S)
enum AddressMap {
  static let directMapBase: UInt64 = 0x8000_0000_0000
  static let deviceMapBase: UInt64 = 0xc000_0000_0000

  /// Physical addresses the two maps can hold.
  static let physicalLimit: UInt64 = 1 << 46

  enum Attributes: UInt64 {
    // Valid, AF, never executable; AP[1] is RES1 at EL2 (Arm ARM, D8.3).
    /// Write-back, inner shareable, AttrIndx 0.
    case memory = 0x0040_0000_0000_0740
    /// AttrIndx 1.
    case device = 0x0040_0000_0000_0444
  }

  /// Where the byte of RAM at `address` is.
  @unsafe static func pointer(to address: HostPhysicalAddress) -> UnsafeMutableRawPointer {
    unsafe UnsafeMutableRawPointer(bitPattern: UInt(directMapBase &+ address.rawValue)).unsafelyUnwrapped
  }

  /// Maps a device's registers. Boot only.
  static func mapDevice(at address: HostPhysicalAddress, byteCount: UInt64) -> DeviceWindow {
    map(address, byteCount: byteCount, at: deviceMapBase, .device)
    // SAFETY: mapped just above, never unmapped.
    return unsafe DeviceWindow(
      UnsafeMutableRawPointer(bitPattern: UInt(deviceMapBase &+ address.rawValue)).unsafelyUnwrapped)
  }

  /// Maps RAM into the direct map, in the largest blocks there are. Mapping a block again is harmless. Boot only.
  static func mapMemory(at address: HostPhysicalAddress, byteCount: UInt64) {
    map(address, byteCount: byteCount, at: directMapBase, .memory)
  }

  /// The physical address of the image's byte at a linked address.
  static func physicalAddress(ofImage address: UInt64) -> HostPhysicalAddress {
    HostPhysicalAddress(address &- image_start() &+ boot_physical_base())
  }

  // MARK: - The tables

  /// Hangs the top-level entry for `address` of the table at `root` into the table that all CPUs use. Boot only.
  static func adopt(entryFor address: UInt64, of root: HostPhysicalAddress) {
    let offset = Int(address >> 39 & 511) * 8
    // SAFETY: both are tables of 512 entries, the one in the image, the other a frame that its owner keeps.
    let descriptor = unsafe pointer(to: root).load(fromByteOffset: offset, as: UInt64.self)
    unsafe slot(of: address, level: 0, in: image_main_table()).pointee = descriptor
    aarch64_dsb_ishst()
    aarch64_isb()
  }

  private static func map(
    _ address: HostPhysicalAddress, byteCount: UInt64, at base: UInt64, _ attributes: Attributes
  ) {
    let large: UInt64 = 1 << 21
    let huge: UInt64 = 1 << 30
    guard byteCount > 0, address.rawValue < physicalLimit, byteCount <= physicalLimit - address.rawValue else {
      fatalError("a physical address beyond the direct map")
    }
    var physical = address.rawValue & ~(large - 1)
    let end = (address.rawValue + byteCount + large - 1) & ~(large - 1)
    while physical < end {
      if physical % huge == 0, end - physical >= huge, install(physical, at: base + physical, level: 1, attributes) {
        physical += huge
      } else {
        _ = install(physical, at: base + physical, level: 2, attributes)
        physical += large
      }
    }
    aarch64_dsb_ishst()
    aarch64_isb()
  }

  /// Makes one block, unless one is there already. False where there is a table: part of the range is mapped in pieces.
  private static func install(_ physical: UInt64, at virtual: UInt64, level: Int, _ attributes: Attributes) -> Bool {
    var table = image_main_table()
    for step in 0..<level {
      let entry = unsafe slot(of: virtual, level: step, in: table)
      let descriptor = unsafe entry.pointee
      if descriptor & 3 == 1 { return true }  // inside a block that is there
      if descriptor == 0 {
        let fresh = takeTable()
        unsafe entry.pointee = physicalAddress(ofImage: fresh).rawValue | 3
        table = fresh
      } else {
        table = (descriptor & 0x0000_ffff_ffff_f000) &- boot_physical_base() &+ image_start()
      }
    }
    let entry = unsafe slot(of: virtual, level: level, in: table)
    if unsafe entry.pointee == 0 { unsafe entry.pointee = physical | attributes.rawValue | 1 }
    return unsafe entry.pointee & 3 == 1
  }

  /// - Safety: `table` is one of the tables in the image.
  @unsafe private static func slot(of virtual: UInt64, level: Int, in table: UInt64) -> UnsafeMutablePointer<UInt64> {
    let index = (virtual >> UInt64(39 - 9 * level)) & 511
    return unsafe UnsafeMutablePointer(bitPattern: UInt(table &+ index &* 8)).unsafelyUnwrapped
  }

  nonisolated(unsafe) private static var tablesTaken: UInt64 = 0

  private static func takeTable() -> UInt64 {
    // SAFETY: only the boot CPU maps, before the others start.
    let table = image_table_pool() &+ (unsafe tablesTaken) &* 4096
    guard table < image_table_pool_end() else { fatalError("more devices and pieces of RAM than the boot tables hold") }
    unsafe tablesTaken &+= 1
    return table
  }
}

/// A mapped range of device registers.
@safe struct DeviceWindow {
  private let base: UnsafeMutableRawPointer

  /// - Safety: `base` is the start of a device's mapped registers.
  @unsafe init(_ base: UnsafeMutableRawPointer) { unsafe self.base = base }

  // SAFETY: for all of these: the offsets are the hypervisor's own constants, inside the window that was mapped.
  @inline(__always) func read8(_ offset: Int) -> UInt8 { unsafe mmio_read8(base + offset) }
  @inline(__always) func write8(_ offset: Int, _ value: UInt8) { unsafe mmio_write8(base + offset, value) }
  @inline(__always) func read32(_ offset: Int) -> UInt32 { unsafe mmio_read32(base + offset) }
  @inline(__always) func write32(_ offset: Int, _ value: UInt32) { unsafe mmio_write32(base + offset, value) }
  @inline(__always) func read64(_ offset: Int) -> UInt64 { unsafe mmio_read64(base + offset) }
  @inline(__always) func write64(_ offset: Int, _ value: UInt64) { unsafe mmio_write64(base + offset, value) }

  func advanced(by byteCount: Int) -> Self {
    // SAFETY: the caller stays inside the window, as above.
    unsafe Self(base + byteCount)
  }
}
