import Kernel
import Virtualization

/// A VM's ports of ACPI's fixed hardware, from `GuestPlace.powerEvents` on: no event ever comes, sleeping is the run loop's, and
/// the timer counts (ACPI 6.5, 4.8.3).
enum PowerManagement {
  static let byteCount: UInt64 = 12

  /// Ticks of the timer in a second.
  static let timerHz: UInt64 = 3_579_545

  private static let control: UInt64 = 4
  private static let timer: UInt64 = 8
  /// SCI_EN: power management is ACPI's.
  private static let isACPI: UInt64 = 1

  /// - Parameters:
  ///   - now: The guest's counter.
  ///   - ratio: The timer's ticks for one of the counter, times 2³².
  static func read(_ offset: UInt64, _ width: AccessWidth, now: UInt64, ratio: UInt64) -> UInt64 {
    switch offset {
    case control: isACPI
    case timer: count(now, ratio) & width.mask
    default: 0
    }
  }

  private static func count(_ now: UInt64, _ ratio: UInt64) -> UInt64 {
    let product = now.multipliedFullWidth(by: ratio)
    return (product.high << 32 | product.low >> 32) & 0xffff_ffff
  }
}
