import CRISCV64
import Kernel
import Virtualization

/// The hypervisor's own virtual addresses: Sv39, one table for all harts, built at boot and then left alone.
///
///     0x0000_0010_0000_0000  direct map: all RAM below 192 GiB at a fixed offset from its physical address
///     0xffff_fff0_0000_0000  device windows, one after the other
///     0xffff_fff8_0000_0000  tasks' stacks, with nothing between them (StackWindow)
///     0xffff_ffff_c000_0000  the image, 4 KiB pages, each writable or executable, never both (filled by Entry.S)
enum AddressMap {
  static let directMapBase: UInt64 = 0x0000_0010_0000_0000
  static let deviceMapBase: UInt64 = 0xffff_fff0_0000_0000
  static let stackMapBase: UInt64 = 0xffff_fff8_0000_0000

  static let format = HypervisorTableFormat(.threeLevels)

  /// RAM from here on is not used.
  static let memoryLimit: UInt64 = 192 << 30

  private static let large: UInt64 = 1 << 21
  private static let huge: UInt64 = 1 << 30

  /// Where the byte of RAM at `address` is.
  @inline(__always) @unsafe static func pointer(to address: HostPhysicalAddress) -> UnsafeMutableRawPointer {
    unsafe UnsafeMutableRawPointer(bitPattern: UInt(directMapBase &+ address.rawValue)).unsafelyUnwrapped
  }

  /// Maps a device's registers. Boot only.
  static func mapDevice(at address: HostPhysicalAddress, byteCount: UInt64) -> DeviceWindow {
    let physical = address.rawValue & ~(large - 1)
    let offset = address.rawValue & (large - 1)
    // SAFETY: only the boot hart maps, before the others start.
    let base = unsafe nextDevice
    let end = base + (offset + byteCount + large - 1) & ~(large - 1)
    guard end <= stackMapBase, physical >> 56 == 0 else { fatalError("more devices than the map holds") }
    unsafe nextDevice = end
    var done: UInt64 = 0
    while base + done < end {
      install(physical + done, at: base + done, level: 1, PageAttributes([.read, .write], .device))
      done += large
    }
    riscv64_sfence_vma()
    // SAFETY: mapped just above, never unmapped.
    return unsafe DeviceWindow(UnsafeMutableRawPointer(bitPattern: UInt(base + offset)).unsafelyUnwrapped)
  }

  /// Maps RAM into the direct map, in the largest leaves there are. Mapping RAM again is harmless. Boot only.
  static func mapMemory(at address: HostPhysicalAddress, byteCount: UInt64) {
    var physical = address.rawValue & ~(large - 1)
    guard address.rawValue < memoryLimit, byteCount <= memoryLimit - address.rawValue else {
      fatalError("a physical address beyond the direct map")
    }
    let end = (address.rawValue + byteCount + large - 1) & ~(large - 1)
    while physical < end {
      let level: UInt64 = physical % huge == 0 && end - physical >= huge ? 2 : 1
      install(physical, at: directMapBase + physical, level: level, PageAttributes([.read, .write]))
      physical += format.byteCount(atLevel: level)
    }
    riscv64_sfence_vma()
  }

  /// The physical address of the image's byte at a linked address.
  static func physicalAddress(ofImage address: UInt64) -> HostPhysicalAddress {
    HostPhysicalAddress(address &- image_start() &+ boot_physical_base())
  }

  // MARK: - The tables

  /// Hangs the root's entry for `address` of the table at `root` into the table that all harts use. Boot only.
  static func adopt(entryFor address: UInt64, of root: HostPhysicalAddress) {
    let offset = Int(index(of: address, level: 2)) * 8
    // SAFETY: both are tables of 512 entries, the one in the image, the other a frame that its owner keeps.
    let entry = unsafe pointer(to: root).load(fromByteOffset: offset, as: UInt64.self)
    unsafe slot(of: address, level: 2, in: image_main_table()).pointee = entry
    riscv64_sfence_vma()
  }

  /// Makes one leaf, unless something is mapped there already: a gigabyte that is mapped in pieces is complete.
  private static func install(_ physical: UInt64, at virtual: UInt64, level: UInt64, _ attributes: PageAttributes) {
    var table = image_main_table()
    if level < 2 {
      let entry = unsafe slot(of: virtual, level: 2, in: table)
      switch unsafe format.entry(entry.pointee, level: 2) {
      case .leaf: return
      case .table(let address): table = address.rawValue &- boot_physical_base() &+ image_start()
      case .absent:
        table = takeTable()
        unsafe entry.pointee = format.link(to: physicalAddress(ofImage: table), level: 2)
      }
    }
    let entry = unsafe slot(of: virtual, level: level, in: table)
    if level == 2, case .table = unsafe format.entry(entry.pointee, level: 2) {
      // Part of the gigabyte was mapped before it was known to be RAM throughout.
      for offset in 0..<512 as Range<UInt64> {
        install(physical + offset * large, at: virtual + offset * large, level: 1, attributes)
      }
      return
    }
    if unsafe entry.pointee == 0 {
      unsafe entry.pointee = format.leaf(to: HostPhysicalAddress(physical), attributes, level: level)
    }
  }

  private static func index(of virtual: UInt64, level: UInt64) -> UInt64 { (virtual >> (12 + 9 * level)) & 511 }

  /// - Safety: `table` is one of the tables in the image.
  @unsafe private static func slot(
    of virtual: UInt64, level: UInt64, in table: UInt64
  ) -> UnsafeMutablePointer<UInt64> {
    unsafe UnsafeMutablePointer(bitPattern: UInt(table &+ index(of: virtual, level: level) &* 8)).unsafelyUnwrapped
  }

  nonisolated(unsafe) private static var tablesTaken: UInt64 = 0
  nonisolated(unsafe) private static var nextDevice: UInt64 = 0xffff_fff0_0000_0000

  private static func takeTable() -> UInt64 {
    // SAFETY: only the boot hart maps, before the others start.
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
}
