/// Why guest memory was not made, read or written.
public enum GuestMemoryError: Error, Equatable, Sendable {
  /// A range of RAM does not begin and end at multiples of 4 KiB.
  case misaligned
  /// Two ranges of RAM overlap, or are not in ascending order.
  case overlap
  /// The machine does not have that much free memory.
  case outOfFrames
  /// Part of an access is not RAM of the guest.
  case outOfRange
}
