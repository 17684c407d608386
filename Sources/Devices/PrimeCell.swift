/// What every Arm PrimeCell peripheral has at the end of its 4 KiB: PeriphID0 to 3 and PCellID0 to 3, a byte each.
enum PrimeCell {
  static let firstID: UInt64 = 0xfe0
  static let lastID: UInt64 = 0xffc
  /// PCellID, the lowest byte is PCellID0.
  private static let cell: UInt32 = 0xb105_f00d

  /// The register at `offset`, a multiple of 4 in `firstID...lastID`; `peripheral` is the four PeriphID bytes.
  static func identification(_ peripheral: UInt32, at offset: UInt64) -> UInt32 {
    let word = offset & 0x10 == 0 ? peripheral : cell
    return word >> UInt32(truncatingIfNeeded: (offset & 0xc) << 1) & 0xff
  }
}
