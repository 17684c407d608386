/// What the architecture says about interrupts, as plainly as can be: no list registers, nothing in two places
/// (Arm GIC IHI 0069, chapters 4 and 12). What `VirtualGIC` does is held against it.
struct GICModel {
  struct Interrupt {
    var isEnabled = false
    var isGroup1 = false
    var priority: UInt64 = 0
    var isEdge = false
    var latch = false
    var line = false
    var isActive = false
    /// The vCPU that acknowledged it.
    var holder: Int?
    var target: Int?

    var isPending: Bool { latch || (line && !isEdge) }
  }

  struct CPU {
    var own = [Interrupt](repeating: Interrupt(), count: 32)
    var priorityMask: UInt64 = 0xf8
    var isGroup0On = true
    var isGroup1On = true
    /// Priorities of what was acknowledged and not ended, innermost last.
    var running: [UInt64] = []
    /// What was acknowledged and not ended, innermost last.
    var begun: [Int] = []
    /// What was ended and not deactivated, with split ends.
    var dropped: [Int] = []
    /// The linked timer's level: from the hypervisor's signal to the guest's acknowledgement.
    var isTimerDue = false
    /// The physical timer interrupt is active.
    var isTimerLinked = false
  }

  var cpus: [CPU]
  var shared: [Interrupt]
  var isGroup0On = true
  var isGroup1On = true

  init(vcpus: Int, spis: Int) {
    cpus = [CPU](repeating: CPU(), count: vcpus)
    shared = [Interrupt](repeating: Interrupt(), count: spis)
    for vcpu in 0..<vcpus {
      for interrupt in 0..<16 { cpus[vcpu].own[interrupt].isEdge = true }
    }
  }

  subscript(_ interrupt: Int, _ vcpu: Int) -> Interrupt {
    get { interrupt < 32 ? cpus[vcpu].own[interrupt] : shared[interrupt - 32] }
    set {
      if interrupt < 32 { cpus[vcpu].own[interrupt] = newValue } else { shared[interrupt - 32] = newValue }
    }
  }

  var interruptCount: Int { 32 + shared.count }

  func isPending(_ interrupt: Int, _ vcpu: Int) -> Bool {
    self[interrupt, vcpu].isPending || (interrupt == 27 && cpus[vcpu].isTimerDue)
  }

  /// The interrupts one of which the vCPU has to acknowledge next.
  func candidates(_ vcpu: Int) -> Set<Int> {
    let cpu = cpus[vcpu]
    let deliverable = (0..<interruptCount).filter { number in
      let interrupt = self[number, vcpu]
      return isPending(number, vcpu) && interrupt.isEnabled && !interrupt.isActive
        && (interrupt.isGroup1 ? isGroup1On && cpu.isGroup1On : isGroup0On && cpu.isGroup0On)
        && (number < 32 || interrupt.target == vcpu)
    }
    guard let best = deliverable.map({ self[$0, vcpu].priority }).min(), best < cpu.priorityMask,
      best < cpu.running.min() ?? 0x100
    else { return [] }
    return Set(deliverable.filter { self[$0, vcpu].priority == best })
  }

  mutating func acknowledge(_ interrupt: Int, on vcpu: Int) {
    self[interrupt, vcpu].isActive = true
    self[interrupt, vcpu].holder = vcpu
    self[interrupt, vcpu].latch = false
    if interrupt == 27 { cpus[vcpu].isTimerDue = false }
    cpus[vcpu].running.append(self[interrupt, vcpu].priority)
    cpus[vcpu].begun.append(interrupt)
  }

  mutating func drop(on vcpu: Int) -> Int {
    _ = cpus[vcpu].running.popLast()
    return cpus[vcpu].begun.removeLast()
  }

  mutating func deactivate(_ interrupt: Int, on vcpu: Int) {
    self[interrupt, vcpu].isActive = false
    if interrupt == 27, !cpus[vcpu].isTimerDue { cpus[vcpu].isTimerLinked = false }
  }
}
