import Foundation
import Manifest

/// The header of a Linux `Image`, which arm64 and riscv64 share but for the magic number (Linux,
/// `Documentation/arch/arm64/booting.rst`, section 4; `Documentation/arch/riscv/boot-image-header.rst`).
struct LinuxImage {
  static let magicOffset = 56
  /// The image lies `offset` above a multiple of this.
  static let alignment: UInt64 = 2 << 20

  /// Bytes from a 2 MiB boundary to the image.
  let offset: UInt64
  /// Bytes that are left below the image, from the beginning of memory on.
  let distance: UInt64
  /// Bytes that the kernel takes in memory before it reads its device tree.
  let memoryByteCount: UInt64
  /// Bytes from the image to the kernel's first instruction.
  var entryOffset: UInt64 = 0

  enum Problem: Error {
    /// Written before Linux 3.17, without the size.
    case noSize
    case bigEndian
    /// The memory size is smaller than the file.
    case sizeBelowFile
    /// An x86 kernel that has no 64-bit entry (before Linux 3.8), or is 32-bit.
    case no64BitEntry
  }

  /// Whose image it is, by its magic number; nil where it is none.
  static func architecture(of data: Data) -> Architecture? {
    Architecture.allCases.first {
      data.hasBytes($0.guestConventions.imageMagic, at: $0.guestConventions.imageMagicOffset)
    }
  }

  /// Reads the header of a file that is an image of `architecture`.
  static func read(_ data: Data, _ architecture: Architecture) -> Result<LinuxImage, Problem> {
    if architecture == .x86_64 { return BzImage.read(data) }
    let textOffset = data.number(UInt64.self, at: 8) ?? 0
    let byteCount = data.number(UInt64.self, at: 16) ?? 0
    let flags = data.number(UInt64.self, at: 24) ?? 0
    guard byteCount != 0 else { return .failure(.noSize) }
    guard flags & 1 == 0 else { return .failure(.bigEndian) }
    guard byteCount >= UInt64(data.count) else { return .failure(.sizeBelowFile) }
    let distance = architecture.guestConventions.imageKeepsDistance ? textOffset : 0
    return .success(LinuxImage(offset: textOffset % alignment, distance: distance, memoryByteCount: byteCount))
  }
}
