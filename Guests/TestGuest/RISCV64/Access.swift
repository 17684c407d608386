import CGuestRISCV64

/// Loads and stores by width in bytes.
enum Access {
  static let widths: [UInt64] = [1, 2, 4, 8]

  static func loadName(_ width: UInt64) -> StaticString {
    switch width {
    case 1: "load of 1 byte at"
    case 2: "load of 2 bytes at"
    case 4: "load of 4 bytes at"
    default: "load of 8 bytes at"
    }
  }

  static func storeName(_ width: UInt64) -> StaticString {
    switch width {
    case 1: "store of 1 byte at"
    case 2: "store of 2 bytes at"
    case 4: "store of 4 bytes at"
    default: "store of 8 bytes at"
    }
  }

  static func load(_ width: UInt64, _ address: UInt64) -> UInt64 {
    // SAFETY: only a place is named; the accesses below say why they may use it.
    let pointer = unsafe UnsafeRawPointer(bitPattern: UInt(address))
    switch width {
    case 1:
      // SAFETY: the address is not Swift's memory, and a fault is expected and skipped.
      return UInt64(unsafe guest_read8(pointer))
    case 2:
      // SAFETY: as above.
      return UInt64(unsafe guest_read16(pointer))
    case 4:
      // SAFETY: as above.
      return UInt64(unsafe guest_read32(pointer))
    default:
      // SAFETY: as above.
      return unsafe guest_read64(pointer)
    }
  }

  /// Returns 0, as there is nothing to tell.
  static func store(_ width: UInt64, _ address: UInt64, _ value: UInt64) -> UInt64 {
    // SAFETY: only a place is named; the accesses below say why they may use it.
    let pointer = unsafe UnsafeMutableRawPointer(bitPattern: UInt(address))
    switch width {
    case 1:
      // SAFETY: the address is not Swift's memory, and a fault is expected and skipped.
      unsafe guest_write8(pointer, UInt8(truncatingIfNeeded: value))
    case 2:
      // SAFETY: as above.
      unsafe guest_write16(pointer, UInt16(truncatingIfNeeded: value))
    case 4:
      // SAFETY: as above.
      unsafe guest_write32(pointer, UInt32(truncatingIfNeeded: value))
    default:
      // SAFETY: as above.
      unsafe guest_write64(pointer, value)
    }
    return 0
  }
}
