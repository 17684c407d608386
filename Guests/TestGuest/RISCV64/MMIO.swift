import CGuestRISCV64

/// Memory-mapped registers from one address on, reached through the identity map.
struct MMIO: Sendable {
  let base: UInt64

  func read8(_ offset: UInt64) -> UInt8 {
    // SAFETY: only this guest is at stake: an address without a device faults, and the vectors say so.
    unsafe guest_read8(UnsafeRawPointer(bitPattern: UInt(base &+ offset)))
  }

  func write8(_ offset: UInt64, _ value: UInt8) {
    // SAFETY: as for `read8`; device registers are no Swift object's memory.
    unsafe guest_write8(UnsafeMutableRawPointer(bitPattern: UInt(base &+ offset)), value)
  }

  func read32(_ offset: UInt64) -> UInt32 {
    // SAFETY: as for `read8`.
    unsafe guest_read32(UnsafeRawPointer(bitPattern: UInt(base &+ offset)))
  }

  func write32(_ offset: UInt64, _ value: UInt32) {
    // SAFETY: as for `write8`.
    unsafe guest_write32(UnsafeMutableRawPointer(bitPattern: UInt(base &+ offset)), value)
  }

  func read64(_ offset: UInt64) -> UInt64 {
    // SAFETY: as for `read8`.
    unsafe guest_read64(UnsafeRawPointer(bitPattern: UInt(base &+ offset)))
  }

  func write64(_ offset: UInt64, _ value: UInt64) {
    // SAFETY: as for `write8`.
    unsafe guest_write64(UnsafeMutableRawPointer(bitPattern: UInt(base &+ offset)), value)
  }
}
