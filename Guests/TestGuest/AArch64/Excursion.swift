import CGuestAArch64
import GuestKit
import Synchronization

/// Code that runs from an ERET to an SVC with debug exceptions on, and what exceptions came meanwhile. On the boot CPU.
@safe final class Excursion: Sendable {
  static let shared = Excursion()

  private static let placeLimit = 32
  private nonisolated(unsafe) let places: UnsafeMutablePointer<UInt64>
  private let isUnderWay = Atomic<Bool>(false)
  private let steps = Atomic<Int>(0)
  private let breakpoint = Atomic<UInt64>(0)
  private let watchpoint = Atomic<UInt64>(0)
  private let unexpected = Atomic<UInt64>(0)

  private init() {
    // SAFETY: initialised here, never freed.
    unsafe places = .allocate(capacity: Self.placeLimit)
    // SAFETY: as many as were allocated.
    unsafe places.initialize(repeating: 0, count: Self.placeLimit)
  }

  /// PSTATE at its begin: debug exceptions on, all others masked.
  enum Level: UInt64 {
    case el0 = 0x1C0
    case el1 = 0x1C5
  }

  /// Runs `entry` with `argument` in X0.
  /// - Returns: its X0 at the SVC.
  func run(_ entry: UInt64, at level: Level, isStepped: Bool, argument: UInt64) -> UInt64 {
    steps.store(0, ordering: .relaxed)
    breakpoint.store(0, ordering: .relaxed)
    watchpoint.store(0, ordering: .relaxed)
    unexpected.store(0, ordering: .relaxed)
    guest_interrupts_off()
    isUnderWay.store(true, ordering: .relaxed)
    // MDSCR_EL1: MDE and KDE, and SS.
    guest_write_mdscr(1 << 15 | 1 << 13 | (isStepped ? 1 : 0))
    let result = guest_excursion(entry, level.rawValue | (isStepped ? Self.stepBit : 0), argument)
    guest_write_mdscr(0)
    isUnderWay.store(false, ordering: .relaxed)
    guest_interrupts_on()
    return result
  }

  var isActive: Bool { isUnderWay.load(ordering: .relaxed) }
  var stepCount: Int { steps.load(ordering: .relaxed) }
  var breakpointAddress: UInt64 { breakpoint.load(ordering: .relaxed) }
  var watchpointAddress: UInt64 { watchpoint.load(ordering: .relaxed) }
  var unexpectedSyndrome: UInt64 { unexpected.load(ordering: .relaxed) }

  /// Where the step came to, counted from 0.
  func place(_ step: Int) -> UInt64 {
    guard step < Self.placeLimit else { return 0 }
    // SAFETY: below the capacity.
    return unsafe places[step]
  }

  /// PSTATE.SS.
  private static let stepBit: UInt64 = 1 << 21

  /// From the vectors. Not inlined: nested exceptions need small frames.
  @inline(never) func take(_ frame: inout guest_frame) {
    switch frame.esr >> 26 & 0x3F {
    case 0x15:  // SVC: the excursion is over
      end(&frame)
    case 0x32, 0x33:  // software step
      let step = steps.wrappingAdd(1, ordering: .relaxed).oldValue
      guard step < Self.placeLimit else { return end(&frame) }
      // SAFETY: compared with the capacity just now.
      unsafe places[step] = frame.elr
      frame.spsr |= Self.stepBit
    case 0x30, 0x31:  // breakpoint
      breakpoint.store(frame.elr, ordering: .relaxed)
      guest_write_dbgbcr0(0)
    case 0x34, 0x35:  // watchpoint
      watchpoint.store(frame.far, ordering: .relaxed)
      guest_write_dbgwcr0(0)
    default:
      unexpected.store(frame.esr, ordering: .relaxed)
      end(&frame)
    }
  }

  private func end(_ frame: inout guest_frame) {
    frame.elr = guest_excursion_end_address()
    frame.spsr = 0x3C5  // EL1h, all masked
  }
}
