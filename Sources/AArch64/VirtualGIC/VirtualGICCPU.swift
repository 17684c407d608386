import Synchronization

/// What the virtual interrupt controller keeps for one vCPU beside the state of its SGIs and PPIs.
///
/// `attention` and `isAsleep` are for every CPU. All else is touched only by the CPU that the vCPU is on, or, while it is on none, by
/// whoever moves it.
struct VirtualGICCPU: ~Copyable {
  /// Why the list registers no longer say what they should.
  enum Attention {
    static let privateAdded: UInt32 = 1 << 0  // an SGI or PPI became pending
    static let sharedAdded: UInt32 = 1 << 1  // an SPI became pending
    static let rebuild: UInt32 = 1 << 2  // something listed changed, or a maintenance interrupt came
  }

  /// Where the virtual timer's interrupt is, whose physical twin the hypervisor has acknowledged.
  enum LinkedTimer {
    case unlinked  // nowhere; the physical interrupt is free to come
    case pending  // in no list register yet; the physical interrupt is active
    case active  // taken back from a list register while active; the physical interrupt is active
    case listed  // in list register `linkedRegister`, unless the guest has ended it since
  }

  /// Set, after the state it speaks of, by whoever changed that state; taken by the vCPU before it looks at the
  /// state. Sequentially consistent: the state is then visible to the one who takes it.
  let attention = Atomic<UInt32>(0)

  /// GICR_WAKER.ProcessorSleep, which nothing but the guest's reads depends on: relaxed.
  let isAsleep = Atomic<Bool>(true)

  /// List registers that hold an interrupt, or held one and were not looked at since.
  var inUse: UInt32 = 0
  /// Of these, those that took the interrupt's latch with them.
  var latchTaken: UInt32 = 0
  /// Not every interrupt that should be listed is.
  var isOverflowing = false
  var timer = LinkedTimer.unlinked
  var linkedRegister = 0
  /// For each SGI the list register that it was in last. Says something only while the SGI is `listed`.
  var registerOfSGI = InlineArray<16, UInt8>(repeating: 0)
  /// ICH_HCR_EL2 as last written.
  var control: UInt64 = ICH_HCR_EL2.en.rawValue

  // The interface while the vCPU is on no CPU.
  var savedListRegisters = InlineArray<16, UInt64>(repeating: 0)
  var savedActivePriorities0 = InlineArray<4, UInt64>(repeating: 0)
  var savedActivePriorities1 = InlineArray<4, UInt64>(repeating: 0)
  var savedVMCR: UInt64 = 0

  /// Puts back the state of power-on.
  mutating func reset() {
    attention.store(0, ordering: .sequentiallyConsistent)
    inUse = 0
    latchTaken = 0
    isOverflowing = false
    timer = .unlinked
    linkedRegister = 0
    isAsleep.store(true, ordering: .relaxed)
    resetInterface()
  }

  /// Puts back the state of power-on of what the vCPU sees through system registers.
  mutating func resetInterface() {
    control = ICH_HCR_EL2.en.rawValue
    savedVMCR = 0
    for index in 0..<16 { savedListRegisters[index] = 0 }
    for index in 0..<4 {
      savedActivePriorities0[index] = 0
      savedActivePriorities1[index] = 0
    }
  }
}
