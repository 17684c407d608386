/// A local APIC's timer (AMD APM 2, 16.4.1; Intel SDM 3A, 10.5.4). It counts the ticks of the guest's TSC, divided.
struct APICTimer {
  enum Mode: UInt32 {
    case oneShot = 0
    case periodic = 1
    case deadline = 2
  }

  private(set) var initialCount: UInt32 = 0
  private(set) var divideConfiguration: UInt32 = 0
  private(set) var mode = Mode.oneShot
  /// When it fires next, on the guest's TSC; 0 while it stands still.
  private(set) var deadline: UInt64 = 0

  /// Ticks for one count, as a power of two.
  private var shift: UInt64 {
    let field = (divideConfiguration & 3) | (divideConfiguration >> 1 & 4)
    return field == 7 ? 0 : UInt64(field) &+ 1
  }

  /// The whole count in ticks.
  private var period: UInt64 { UInt64(initialCount) &<< shift }

  mutating func setMode(_ mode: Mode) {
    guard mode != self.mode else { return }
    // Between counting and deadlines it stops.
    if mode == .deadline || self.mode == .deadline {
      deadline = 0
      initialCount = 0
    }
    self.mode = mode
  }

  mutating func setInitialCount(_ count: UInt32, now: UInt64) {
    guard mode != .deadline else { return }
    initialCount = count
    deadline = count == 0 ? 0 : max(1, now &+ period)
  }

  mutating func setDivide(_ configuration: UInt32, now: UInt64) {
    let rest = currentCount(now: now)
    divideConfiguration = configuration & 0xb
    if rest > 0 { deadline = max(1, now &+ UInt64(rest) &<< shift) }
  }

  /// IA32_TSC_DEADLINE.
  mutating func setDeadline(_ value: UInt64) {
    if mode == .deadline { deadline = value }
  }

  var deadlineRegister: UInt64 { mode == .deadline ? deadline : 0 }

  func currentCount(now: UInt64) -> UInt32 {
    guard mode != .deadline, deadline > now else { return 0 }
    return UInt32(clamping: (deadline &- now) &>> shift)
  }

  /// Whether it has fired by `now`; then it goes on, or stands still.
  mutating func fire(now: UInt64) -> Bool {
    guard deadline != 0, now >= deadline else { return false }
    if mode == .periodic, period > 0 {
      // What was missed is missed: one interrupt, however many periods have passed.
      let missed = now &- deadline
      deadline = missed < period ? deadline &+ period : now &+ period
    } else {
      deadline = 0
    }
    return true
  }
}
