import CX86_64
import Kernel

/// How fast the counter and the local APICs' timers run, measured once.
struct Clocks {
  /// Ticks of the TSC in a second.
  let counterHz: UInt64
  /// The timer's ticks for one of the TSC, times 2³².
  let timerRatio: UInt64
  /// A guest's power-management timer's ticks for one of the TSC, times 2³².
  let powerTimerRatio: UInt64

  /// What the timer must count from now until the counter reaches `deadline`: 0 for never, and never more than it can.
  func timerTicks(from now: UInt64, until deadline: UInt64) -> UInt32 {
    if deadline == .max { return 0 }
    guard deadline > now else { return 1 }
    let product = (deadline &- now).multipliedFullWidth(by: timerRatio)
    let ticks = product.high << 32 | product.low >> 32
    return product.high >> 32 == 0 ? UInt32(clamping: max(ticks, 1)) : .max
  }

  /// Measures both against a clock of known frequency, in one window of less than a millisecond.
  static func measure(_ apic: PhysicalAPIC, against reference: ReferenceClock) -> Self {
    apic.setTimer(.max)
    let first = Sample.take(apic, reference)
    let length = reference.frequencyHz / 1100
    while reference.distance(from: first.reference, to: reference.value) < length {}
    let last = Sample.take(apic, reference)
    apic.setTimer(0)
    return Self(
      counter: last.counter &- first.counter, timer: first.timer &- last.timer,
      reference: reference.distance(from: first.reference, to: last.reference), referenceHz: reference.frequencyHz)
  }

  /// - Parameters: Ticks that passed in the same time, and how many of `reference` a second has.
  init(counter: UInt64, timer: UInt32, reference: UInt64, referenceHz: UInt64) {
    let product = counter.multipliedFullWidth(by: referenceHz)
    // A window has far fewer than 2⁶⁴ ticks² in it; a counter that stands still counts as 1 Hz.
    counterHz = max(1, product.low / max(1, reference))
    timerRatio = (UInt64(timer) << 32) / max(1, counter)
    powerTimerRatio = (PowerManagement.timerHz << 32) / counterHz
  }

  /// Of several readings the one that took the shortest time: an emulator's own pauses would spoil the measure.
  private struct Sample {
    var counter: UInt64
    var timer: UInt32
    var reference: UInt64

    static func take(_ apic: PhysicalAPIC, _ reference: ReferenceClock) -> Self {
      var best: Self?
      var shortest = UInt64.max
      for _ in 0..<5 {
        let start = x86_rdtsc()
        let value = reference.value
        let timer = apic.remainingTicks
        let end = x86_rdtsc()
        if end &- start < shortest {
          shortest = end &- start
          best = Self(counter: start &+ (end &- start) / 2, timer: timer, reference: value)
        }
      }
      return best ?? Self(counter: 0, timer: 0, reference: 0)
    }
  }
}

/// A clock whose frequency is known.
enum ReferenceClock {
  /// The HPET's main counter (IA-PC HPET 1.0a, 2.3).
  case eventTimer(DeviceWindow, frequencyHz: UInt64)
  /// The power-management timer: 24 bits at least, at 3.579545 MHz (ACPI 6.5, 4.8.3.3).
  case powerManagement(port: UInt16)

  /// The better of those that the machine has.
  init?(_ tables: ACPITables<DirectMap>) {
    if let address = tables.eventTimer {
      let window = AddressMap.mapDevice(at: HostPhysicalAddress(address), byteCount: 1024)
      let period = UInt64(window.read32(0x004))  // femtoseconds
      if period > 0, period <= 100_000_000 {
        window.write32(0x010, window.read32(0x010) | 1)  // ENABLE_CNF
        self = .eventTimer(window, frequencyHz: 1_000_000_000_000_000 / period)
        return
      }
    }
    guard let port = tables.powerManagementTimer else { return nil }
    self = .powerManagement(port: port)
  }

  var frequencyHz: UInt64 {
    switch self {
    case .eventTimer(_, let frequency): frequency
    case .powerManagement: 3_579_545
    }
  }

  var value: UInt64 {
    switch self {
    case .eventTimer(let window, _): UInt64(window.read32(0x0f0))
    case .powerManagement(let port): UInt64(x86_in32(port))
    }
  }

  /// Ticks from one value to a later one; both counters may wrap once in between.
  func distance(from first: UInt64, to last: UInt64) -> UInt64 {
    switch self {
    case .eventTimer: (last &- first) & 0xffff_ffff
    case .powerManagement: (last &- first) & 0xff_ffff
    }
  }
}
