import Synchronization

/// What CPU 0 and one other CPU tell each other. Every field is written by the side that its comment names.
public struct CPURecord: ~Copyable {
  /// What the CPU is to do next; given by CPU 0, set back to 0 by the CPU when it is done.
  public let order = Atomic<Int>(0)
  /// How often the CPU has come to `secondaryMain`.
  public let startCount = Atomic<Int>(0)
  /// The CPU's own name for itself, by its ID register.
  public let hardwareID = Atomic<UInt64>(0)
  /// `GuestInterrupt.test` taken; counted by the CPU's interrupt handler.
  public let testInterruptCount = Atomic<Int>(0)
  /// Timer interrupts taken; counted by the CPU's interrupt handler.
  public let timerInterruptCount = Atomic<Int>(0)
  /// The counter when the last timer interrupt was taken.
  public let timerInterruptTime = Atomic<UInt64>(0)
  /// When the timer is due, where the hardware does not tell; kept by the architecture on the CPU itself.
  public let timerDeadline = Atomic<UInt64>(.max)
  /// Interrupts that nobody asked for.
  public let strayInterruptCount = Atomic<Int>(0)
  /// Set by a case that expects faults; cleared when it is through.
  public let expectsFaults = Atomic<Bool>(false)
  /// Faults since `expectsFaults` was set, and the first one's registers; written by the exception handler.
  public let faultCount = Atomic<Int>(0)
  public let faultSyndrome = Atomic<UInt64>(0)
  public let faultAddress = Atomic<UInt64>(0)
  public let faultInstruction = Atomic<UInt64>(0)
  /// How many more faults the exception handler is to cause itself.
  public let nestedFaultCount = Atomic<Int>(0)
  /// Set when the exception handler is to return to the instruction that faulted.
  public let repeatsFault = Atomic<Bool>(false)
  /// Rounds of work while all CPUs share what there is; counted by the CPU.
  public let workCount = Atomic<UInt64>(0)
  /// The counter at the CPU's first instruction, and when it was ready for orders.
  public let entryTime = Atomic<UInt64>(0)
  public let readyTime = Atomic<UInt64>(0)
}

/// The records of all CPUs. They live as long as the machine, which is for ever.
@safe public struct CPUTable: Sendable {
  private nonisolated(unsafe) let records: UnsafeMutablePointer<CPURecord>
  public let count: Int

  public init(count: Int) {
    precondition(count > 0, "a machine without CPUs")
    self.count = count
    // SAFETY: the records are initialised before anybody sees them, and never freed.
    unsafe records = UnsafeMutablePointer<CPURecord>.allocate(capacity: count)
    for index in 0..<count {
      // SAFETY: `index` is below the capacity.
      unsafe (records + index).initialize(to: CPURecord())
    }
  }

  public subscript(index: Int) -> CPURecord {
    unsafeAddress {
      precondition(index >= 0 && index < count, "no such CPU")
      // SAFETY: the index was compared with the capacity just now; the record is initialised and only has atomics.
      return unsafe UnsafePointer(records + index)
    }
  }
}
