import Foundation

/// The header of a Linux arm64 `Image` (Linux, `Documentation/arch/arm64/booting.rst`, section 4).
struct Arm64Image {
  static let magic: [UInt8] = [0x41, 0x52, 0x4d, 0x64]  // "ARM\x64" at offset 56
  static let magicOffset = 56
  /// The image lies `text_offset` above a multiple of this.
  static let alignment: UInt64 = 2 << 20

  /// Bytes from a 2 MiB boundary to the image.
  let textOffset: UInt64
  /// Bytes that the kernel takes in memory before it reads its device tree.
  let memoryByteCount: UInt64

  enum Problem: Error {
    /// Written before Linux 3.17, without the size.
    case noSize
    case bigEndian
    /// The memory size is smaller than the file.
    case sizeBelowFile
  }

  static func isOne(_ data: Data) -> Bool { data.hasBytes(magic, at: magicOffset) }

  /// Reads the header of a file that `isOne`.
  static func read(_ data: Data) -> Result<Arm64Image, Problem> {
    let textOffset = data.number(UInt64.self, at: 8) ?? 0
    let byteCount = data.number(UInt64.self, at: 16) ?? 0
    let flags = data.number(UInt64.self, at: 24) ?? 0
    guard byteCount != 0 else { return .failure(.noSize) }
    guard flags & 1 == 0 else { return .failure(.bigEndian) }
    guard byteCount >= UInt64(data.count) else { return .failure(.sizeBelowFile) }
    return .success(Arm64Image(textOffset: textOffset % alignment, memoryByteCount: byteCount))
  }
}
