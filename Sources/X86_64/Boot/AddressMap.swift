import CX86_64
import Kernel

/// The hypervisor's own virtual addresses: one table for all CPUs, built at boot and then left alone.
///
///     0x0000_1000_0000_0000  direct map: all RAM, write-back, at a fixed offset from its physical address
///     0xffff_c000_0000_0000  device windows, uncacheable, at a fixed offset
///     0xffff_e000_0000_0000  tasks' stacks, with nothing between them (StackWindow)
///     0xffff_ffff_8000_0000  the image, 4 KiB pages, each writable or executable, never both (filled by Entry.S)
enum AddressMap {
  static let directMapBase: UInt64 = 0x0000_1000_0000_0000
  static let deviceMapBase: UInt64 = 0xffff_c000_0000_0000

  /// Physical addresses the two maps can hold.
  static let physicalLimit: UInt64 = 1 << 45

  enum Attributes: UInt64 {
    // Present, writable, accessed, dirty, never executable (AMD APM 2, 5.4).
    /// Write-back.
    case memory = 0x8000_0000_0000_0063
    /// PCD and PWT: uncacheable by the PAT's value at power-on.
    case device = 0x8000_0000_0000_007b
  }

  private static let large: UInt64 = 1 << 7

  /// Where the byte of RAM at `address` is.
  @unsafe static func pointer(to address: HostPhysicalAddress) -> UnsafeMutableRawPointer {
    // SAFETY: not null, whatever the address.
    unsafe UnsafeMutableRawPointer(bitPattern: UInt(directMapBase &+ address.rawValue)).unsafelyUnwrapped
  }

  /// Maps a device's registers. Boot only.
  static func mapDevice(at address: HostPhysicalAddress, byteCount: UInt64) -> DeviceWindow {
    map(address, byteCount: byteCount, at: deviceMapBase, .device)
    // SAFETY: mapped just above, never unmapped.
    return unsafe DeviceWindow(
      UnsafeMutableRawPointer(bitPattern: UInt(deviceMapBase &+ address.rawValue)).unsafelyUnwrapped)
  }

  /// Maps RAM into the direct map, in blocks of 2 MiB. Mapping a block again is harmless. Boot only.
  static func mapMemory(at address: HostPhysicalAddress, byteCount: UInt64) {
    map(address, byteCount: byteCount, at: directMapBase, .memory)
  }

  /// The physical address of the image's byte at a linked address.
  static func physicalAddress(ofImage address: UInt64) -> HostPhysicalAddress {
    HostPhysicalAddress(address &- image_start() &+ image_physical_base())
  }

  // MARK: - The tables

  /// Hangs the top-level entry for `address` of the table at `root` into the table that all CPUs use. Boot only.
  static func adopt(entryFor address: UInt64, of root: HostPhysicalAddress) {
    let offset = Int(address >> 39 & 511) * 8
    // SAFETY: both are tables of 512 entries, the one in the image, the other a frame that its owner keeps.
    let entry = unsafe pointer(to: root).load(fromByteOffset: offset, as: UInt64.self)
    // SAFETY: as above.
    unsafe slot(of: address, level: 0, in: image_main_table()).pointee = entry
  }

  private static func map(
    _ address: HostPhysicalAddress, byteCount: UInt64, at base: UInt64, _ attributes: Attributes
  ) {
    let size: UInt64 = 1 << 21
    guard byteCount > 0, address.rawValue < physicalLimit, byteCount <= physicalLimit - address.rawValue else {
      fatalError("a physical address beyond the direct map")
    }
    var physical = address.rawValue & ~(size - 1)
    let end = (address.rawValue + byteCount + size - 1) & ~(size - 1)
    while physical < end {
      install(physical, at: base &+ physical, attributes)
      physical += size
    }
  }

  /// Makes one entry of 2 MiB, unless one is there already. An entry that was absent is in no TLB (APM 2, 5.5.2).
  private static func install(_ physical: UInt64, at virtual: UInt64, _ attributes: Attributes) {
    var table = image_main_table()
    for step in 0..<2 {
      // SAFETY: `table` is one of the image's.
      let entry = unsafe slot(of: virtual, level: step, in: table)
      if unsafe entry.pointee == 0 {
        let fresh = takeTable()
        // SAFETY: as above.
        unsafe entry.pointee = physicalAddress(ofImage: fresh).rawValue | 0x23
        table = fresh
      } else {
        // SAFETY: as above.
        table = unsafe (entry.pointee & 0x000f_ffff_ffff_f000) &- image_physical_base() &+ image_start()
      }
    }
    // SAFETY: as above.
    let entry = unsafe slot(of: virtual, level: 2, in: table)
    if unsafe entry.pointee == 0 { unsafe entry.pointee = physical | attributes.rawValue | large }
  }

  /// - Safety: `table` is one of the tables in the image.
  @unsafe private static func slot(of virtual: UInt64, level: Int, in table: UInt64) -> UnsafeMutablePointer<UInt64> {
    let index = (virtual >> UInt64(39 - 9 * level)) & 511
    // SAFETY: inside the table that the caller names.
    return unsafe UnsafeMutablePointer(bitPattern: UInt(table &+ index &* 8)).unsafelyUnwrapped
  }

  nonisolated(unsafe) private static var tablesTaken: UInt64 = 0

  private static func takeTable() -> UInt64 {
    // SAFETY: only the boot CPU maps, before the others start.
    let table = image_table_pool() &+ (unsafe tablesTaken) &* 4096
    guard table < image_table_pool_end() else { fatalError("more devices and pieces of RAM than the boot tables hold") }
    // SAFETY: as above.
    unsafe tablesTaken &+= 1
    return table
  }
}

/// A mapped range of device registers.
@safe struct DeviceWindow {
  private let base: UnsafeMutableRawPointer

  /// - Safety: `base` is the start of a device's mapped registers.
  @unsafe init(_ base: UnsafeMutableRawPointer) {
    // SAFETY: only kept.
    unsafe self.base = base
  }

  // SAFETY: for all of these: the offsets are the hypervisor's own constants, inside the window that was mapped.
  @inline(__always) func read32(_ offset: Int) -> UInt32 { unsafe mmio_read32(base + offset) }
  @inline(__always) func write32(_ offset: Int, _ value: UInt32) { unsafe mmio_write32(base + offset, value) }
  @inline(__always) func read64(_ offset: Int) -> UInt64 { unsafe mmio_read64(base + offset) }
  // SAFETY: as above.
  @inline(__always) func write64(_ offset: Int, _ value: UInt64) { unsafe mmio_write64(base + offset, value) }

  /// Where the register at `offset` is.
  func address(_ offset: Int) -> UInt64 {
    // SAFETY: as above.
    UInt64(UInt(bitPattern: unsafe base + offset))
  }
}
