/// Why a page table was not changed.
public enum PageTableError: Error, Equatable, Sendable {
  /// Part of the range is mapped already.
  case alreadyMapped
  /// There was no frame for a table.
  case outOfFrames
  /// An address or size is not a multiple of 4 KiB, or the size is zero.
  case misaligned
  /// The input address or the output address has more bits than the format.
  case outOfRange
}
