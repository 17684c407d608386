import Foundation

/// An EFI program that carries a packed kernel (Linux, `drivers/firmware/efi/libstub/zboot-header.S`).
struct EFIZboot {
  /// The packed kernel.
  let payload: Data
  /// How it is packed, in the file's own word.
  let compression: String

  static func isOne(_ data: Data) -> Bool {
    data.hasBytes([0x4d, 0x5a], at: 0) && data.hasBytes(Array("zimg".utf8), at: 4)
  }

  /// Nil where the payload leaves the file.
  init?(_ data: Data) {
    guard let offset = data.number(UInt32.self, at: 8), let byteCount = data.number(UInt32.self, at: 12),
      let payload = data.bytes(at: UInt64(offset), count: UInt64(byteCount)), !payload.isEmpty,
      let word = data.bytes(at: 24, count: 32)
    else { return nil }
    self.payload = payload
    compression = String(decoding: word.prefix { $0 != 0 }, as: UTF8.self)
  }
}
