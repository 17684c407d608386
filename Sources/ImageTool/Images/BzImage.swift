import Foundation

/// The header of a Linux bzImage (Linux, `Documentation/arch/x86/boot.rst`, "The Real-Mode Kernel Header").
///
/// The file is placed as it is: its first sectors lie right below the kernel proper, so that the hypervisor finds the header
/// there and hands it on, as the 64-bit boot protocol wants.
enum BzImage {
  static let magicOffset = 0x202

  /// Where Linux likes to lie, counted from the beginning of memory.
  private static let preferredDistance: UInt64 = 16 << 20
  private static let has64BitEntry: UInt16 = 1 << 0

  private enum Header {
    static let setupSectors = 0x1f1
    static let version = 0x206
    static let loadFlags = 0x236
    static let memoryByteCount = 0x260
    static let firstWith64BitEntry: UInt16 = 0x20c
    /// Bytes from the kernel proper to its 64-bit entry.
    static let entry: UInt64 = 0x200
  }

  /// Reads a file that has the magic number.
  static func read(_ data: Data) -> Result<LinuxImage, LinuxImage.Problem> {
    guard let version = data.number(UInt16.self, at: Header.version), version >= Header.firstWith64BitEntry,
      let flags = data.number(UInt16.self, at: Header.loadFlags), flags & has64BitEntry != 0,
      let sectors = data.number(UInt8.self, at: Header.setupSectors),
      let size = data.number(UInt32.self, at: Header.memoryByteCount)
    else { return .failure(.no64BitEntry) }
    // No sectors at all are four (boot.rst, setup_sects).
    let setup = (UInt64(sectors == 0 ? 4 : sectors) + 1) * 512
    guard UInt64(data.count) <= setup + UInt64(size) else { return .failure(.sizeBelowFile) }
    return .success(
      LinuxImage(
        offset: LinuxImage.alignment - setup % LinuxImage.alignment, distance: preferredDistance - LinuxImage.alignment,
        memoryByteCount: setup + UInt64(size), entryOffset: setup + Header.entry))
  }
}
