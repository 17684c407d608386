import Synchronization

/// A vCPU's local APIC (AMD APM 2, chapter 16; Intel SDM 3A, chapter 10 for x2APIC): its registers as a state machine.
///
/// Any CPU may send it interrupts and signals, by atomic operations; everything else is the vCPU's own task's. It has no lock.
/// Whoever sends notifies the vCPU afterwards. Time is the guest's TSC; the timer counts its ticks.
struct VirtualAPIC: ~Copyable {
  let identifier: UInt32
  let isBootCPU: Bool

  // From any CPU. Ordering: sequentially consistent, as all that a vCPU looks for after it has said that it enters.
  private let requests0 = Atomic<UInt64>(0)
  private let requests1 = Atomic<UInt64>(0)
  private let requests2 = Atomic<UInt64>(0)
  private let requests3 = Atomic<UInt64>(0)
  private let levels0 = Atomic<UInt64>(0)
  private let levels1 = Atomic<UInt64>(0)
  private let levels2 = Atomic<UInt64>(0)
  private let levels3 = Atomic<UInt64>(0)
  private let signals = Atomic<UInt32>(0)

  // The vCPU's own.
  var inService = VectorSet()
  var mode = Mode.xAPIC
  var taskPriority: UInt32 = 0
  var logicalDestination: UInt32 = 0
  var destinationFormat: UInt32 = .max
  var spurious: UInt32 = 0xff
  var errorStatus: UInt32 = 0
  var pendingErrors: UInt32 = 0
  var command: UInt64 = 0
  var localVectors = LocalVectors()
  var timer = APICTimer()

  enum Mode: UInt8 {
    case disabled
    case xAPIC
    case x2APIC
  }

  init(identifier: UInt32, isBootCPU: Bool) {
    self.identifier = identifier
    self.isBootCPU = isBootCPU
  }

  // MARK: - From any CPU

  /// What is not a vector.
  struct Signals: OptionSet {
    let rawValue: UInt32
    static let nmi = Self(rawValue: 1 << 0)
    static let initialise = Self(rawValue: 1 << 1)
    /// With the page to start at in bits 23 to 16.
    static let start = Self(rawValue: 1 << 2)
    /// Through the first pin: the interrupt controllers of a PC without an APIC.
    static let external = Self(rawValue: 1 << 3)

    static func startPage(_ page: UInt8) -> Self { Self(rawValue: Self.start.rawValue | UInt32(page) << 16) }
    var page: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 16) }
  }

  /// An interrupt has come. Vectors below 16 are none.
  func accept(_ vector: UInt8, isLevel: Bool = false) {
    guard vector >= 16 else { return }
    let bit: UInt64 = 1 &<< UInt64(vector & 63)
    switch vector >> 6 {
    case 0: Self.set(bit, requests0, levels0, isLevel)
    case 1: Self.set(bit, requests1, levels1, isLevel)
    case 2: Self.set(bit, requests2, levels2, isLevel)
    default: Self.set(bit, requests3, levels3, isLevel)
    }
  }

  private static func set(
    _ bit: UInt64, _ requests: borrowing Atomic<UInt64>, _ levels: borrowing Atomic<UInt64>, _ isLevel: Bool
  ) {
    if isLevel {
      levels.bitwiseOr(bit, ordering: .sequentiallyConsistent)
    } else {
      levels.bitwiseAnd(~bit, ordering: .sequentiallyConsistent)
    }
    requests.bitwiseOr(bit, ordering: .sequentiallyConsistent)
  }

  func signal(_ signals: Signals) { self.signals.bitwiseOr(signals.rawValue, ordering: .sequentiallyConsistent) }
  func withdraw(_ signals: Signals) { self.signals.bitwiseAnd(~signals.rawValue, ordering: .sequentiallyConsistent) }

  /// Whether an interrupt for `destination` is for this APIC (APM 2, 16.6.1).
  func matches(_ destination: UInt32, isLogical: Bool, senderMode: Mode) -> Bool {
    if senderMode == .x2APIC {
      if destination == .max { return true }
      guard isLogical else { return destination == identifier }
      return destination >> 16 == identifier >> 4 && destination & (1 << (identifier & 15)) != 0
    }
    if destination == 0xff { return true }
    guard isLogical else { return destination == identifier }
    let own = logicalDestination >> 24
    if destinationFormat >> 28 == 0xf { return own & destination != 0 }  // flat
    return own >> 4 == destination >> 4 && own & destination & 0xf != 0  // clusters
  }

  // MARK: - The vCPU's own

  var pendingSignals: Signals { Signals(rawValue: signals.load(ordering: .sequentiallyConsistent)) }

  /// Takes signals and leaves none of them.
  func take(_ wanted: Signals) -> Signals {
    let mask = wanted.contains(.start) ? wanted.rawValue | 0xff_0000 : wanted.rawValue
    let old = signals.bitwiseAnd(~mask, ordering: .sequentiallyConsistent).oldValue
    return Signals(rawValue: old & mask)
  }

  var requests: VectorSet {
    var set = VectorSet()
    set[word: 0] = requests0.load(ordering: .sequentiallyConsistent)
    set[word: 1] = requests1.load(ordering: .sequentiallyConsistent)
    set[word: 2] = requests2.load(ordering: .sequentiallyConsistent)
    set[word: 3] = requests3.load(ordering: .sequentiallyConsistent)
    return set
  }

  var levels: VectorSet {
    var set = VectorSet()
    set[word: 0] = levels0.load(ordering: .sequentiallyConsistent)
    set[word: 1] = levels1.load(ordering: .sequentiallyConsistent)
    set[word: 2] = levels2.load(ordering: .sequentiallyConsistent)
    set[word: 3] = levels3.load(ordering: .sequentiallyConsistent)
    return set
  }

  var isEnabled: Bool { mode != .disabled && spurious & 0x100 != 0 }

  /// The interrupt that waits and is above what is being served, whatever the task priority.
  @inline(__always) var candidate: UInt8? {
    guard isEnabled, let vector = requests.highest else { return nil }
    if let served = inService.highest, vector >> 4 <= served >> 4 { return nil }
    return vector
  }

  /// The interrupt that would be taken now if RFLAGS.IF is set.
  @inline(__always) var deliverable: UInt8? {
    guard let vector = candidate, UInt32(vector) >> 4 > taskPriority >> 4 else { return nil }
    return vector
  }

  /// The CPU takes `vector`, which was deliverable.
  mutating func acknowledge(_ vector: UInt8) {
    let keep = ~(UInt64(1) &<< UInt64(vector & 63))
    switch vector >> 6 {
    case 0: requests0.bitwiseAnd(keep, ordering: .sequentiallyConsistent)
    case 1: requests1.bitwiseAnd(keep, ordering: .sequentiallyConsistent)
    case 2: requests2.bitwiseAnd(keep, ordering: .sequentiallyConsistent)
    default: requests3.bitwiseAnd(keep, ordering: .sequentiallyConsistent)
    }
    inService.insert(vector)
  }

  /// End of interrupt. The vector of a level-triggered one, which the I/O APIC wants to know of.
  mutating func endOfInterrupt() -> UInt8? {
    guard let vector = inService.highest else { return nil }
    inService.remove(vector)
    return levels.contains(vector) ? vector : nil
  }

  /// The priority that an interrupt must be above (APM 2, 16.6.4).
  var processorPriority: UInt32 {
    let served = UInt32(inService.highest ?? 0) & 0xf0
    return taskPriority & 0xf0 >= served ? taskPriority & 0xff : served
  }

  /// As INIT leaves it (APM 2, 16.3.2); `isPowerOn` also where the APIC is enabled.
  mutating func reset(isPowerOn: Bool) {
    // A start that came behind an INIT is still to be seen.
    _ = take(isPowerOn ? [.nmi, .initialise, .start, .external] : [.nmi, .initialise, .external])
    requests0.store(0, ordering: .sequentiallyConsistent)
    requests1.store(0, ordering: .sequentiallyConsistent)
    requests2.store(0, ordering: .sequentiallyConsistent)
    requests3.store(0, ordering: .sequentiallyConsistent)
    inService = VectorSet()
    taskPriority = 0
    logicalDestination = 0
    destinationFormat = .max
    spurious = 0xff
    errorStatus = 0
    pendingErrors = 0
    command = 0
    localVectors = LocalVectors()
    timer = APICTimer()
    if isPowerOn { mode = .xAPIC }
  }
}

/// The local vector table: LVT registers, all masked at power-on (AMD APM 2, 16.4).
struct LocalVectors {
  static let masked: UInt32 = 1 << 16
  var timer = Self.masked
  var thermal = Self.masked
  var performance = Self.masked
  var firstPin = Self.masked
  var secondPin = Self.masked
  var error = Self.masked
}
