import Kernel
import Synchronization

/// What makes interrupts pending: lines, SGIs, the timer; and telling the vCPUs that have to look.
extension VirtualGIC {
  /// Sets the level of SPI `spi`, counted from 0; a rising edge pends an edge-triggered one. Calls for one line are
  /// ordered by its device's lock. A line that the VM does not have is ignored.
  func setLine(_ spi: Int, isAsserted: Bool) -> UInt64 {
    guard spi >= 0, spi < sharedBankCount &* 32 else { return 0 }
    let bank = sharedBank(spi &>> 5)
    let bit = UInt32(1) &<< UInt32(spi & 31)
    guard changeLine(bank, bit, isAsserted: isAsserted) else { return 0 }
    return isAsserted
      ? announcePending(shared: spi &>> 5, bit) : announceChange(shared: spi &>> 5, bit)
  }

  /// Sets the level of PPI `interrupt` (16…31) of a vCPU. Others are ignored.
  func setPrivateLine(_ interrupt: Int, isAsserted: Bool, vcpu: Int) -> UInt64 {
    guard interrupt >= 16, interrupt < Self.firstShared, vcpu >= 0, vcpu < vcpuCount else { return 0 }
    let bank = privateBank(vcpu)
    let bit = UInt32(1) &<< UInt32(interrupt)
    guard changeLine(bank, bit, isAsserted: isAsserted) else { return 0 }
    return isAsserted ? announcePending(private: vcpu, bit) : announceChange(private: vcpu, bit)
  }

  /// True where the level changed.
  private func changeLine(_ bank: InterruptBank, _ bit: UInt32, isAsserted: Bool) -> Bool {
    if isAsserted {
      guard bank.set(.line, bit) & bit == 0 else { return false }
      if bank.load(.edge) & bit != 0 { bank.set(.latch, bit) }
      return true
    }
    return bank.clear(.line, bit) & bit != 0
  }

  /// Which group of SGIs a system register makes, in a system with one security state (IHI 0069, ICC_SGI1R_EL1,
  /// ICC_SGI0R_EL1, ICC_ASGI1R_EL1): an SGI that the target has in the other group is not sent.
  enum SGIGroup: Equatable {
    case group0  // ICC_SGI0R_EL1, ICC_ASGI1R_EL1
    case group1  // ICC_SGI1R_EL1
  }

  /// Carries out a write of `vcpu` to one of the SGI registers. The sender itself is never in the answer: it looks
  /// before it enters the guest again.
  @inline(__always) func sendSGI(_ request: ICC_SGI1R_EL1, _ group: SGIGroup, from vcpu: Int) -> UInt64 {
    let targets = sgiTargets(request, from: vcpu)
    return targets == 0 ? 0 : post(request, group, to: targets, from: vcpu)
  }

  @inline(never) private func post(
    _ request: ICC_SGI1R_EL1, _ group: SGIGroup, to targets: UInt64, from vcpu: Int
  ) -> UInt64 {
    var targets = targets
    let bit = UInt32(1) &<< UInt32(truncatingIfNeeded: ICC_SGI1R_EL1.intid.value(in: request.rawValue))
    var notified: UInt64 = 0
    while targets != 0 {
      let target = targets.trailingZeroBitCount
      targets &= targets &- 1
      let bank = privateBank(target)
      guard (bank.peek(.group) & bit != 0) == (group == .group1) else { continue }
      bank.set(.latch, bit)
      notified |= announcePending(private: target, bit)
    }
    return notified & ~(1 &<< UInt64(truncatingIfNeeded: vcpu))
  }

  @inline(__always) private func sgiTargets(_ request: ICC_SGI1R_EL1, from vcpu: Int) -> UInt64 {
    let value = request.rawValue
    if value & ICC_SGI1R_EL1.irm.mask != 0 {
      return allVCPUs & ~(1 &<< UInt64(truncatingIfNeeded: vcpu))
    }
    // Affinities 3 and 2 and the range selector are zero for every vCPU there can be, affinity 1 is below 4.
    let beyond = ICC_SGI1R_EL1.aff3.mask | ICC_SGI1R_EL1.rs.mask | ICC_SGI1R_EL1.aff2.mask | 0xfc_0000
    guard value & beyond == 0 else { return 0 }
    let list = ICC_SGI1R_EL1.targetList.value(in: value)
    return (list &<< (ICC_SGI1R_EL1.aff1.value(in: value) &* 16)) & allVCPUs
  }

  /// Asks a vCPU to look through its list registers before it next enters the guest: for the maintenance interrupt.
  func requestRebuild(_ vcpu: Int) {
    _ = flag(vcpu, VirtualGICCPU.Attention.rebuild)
  }

  // MARK: - The virtual timer

  /// The physical timer interrupt came while `vcpu` was on this CPU, was acknowledged and had its priority dropped,
  /// and stays active until the guest's own end of interrupt (IHI 0069, ICH_LR<n>_EL2.HW).
  @inline(__always) func raiseLinkedTimer(_ vcpu: Int, on file: some ListRegisterFile) {
    let bank = privateBank(vcpu)
    let bit = UInt32(1) &<< UInt32(Self.timerInterrupt)
    if self[vcpu].timer == .listed, file.empty & (1 &<< UInt32(truncatingIfNeeded: self[vcpu].linkedRegister)) != 0,
      bank.peek(.enabled) & groupMask(bank) & bit != 0, !self[vcpu].isOverflowing
    {
      // The last tick's list register is done with and still ours.
      file.setListRegister(self[vcpu].linkedRegister, to: linkedListRegister(bank, state: ICH_LR_EL2.pending))
      return
    }
    raiseUnlistedTimer(vcpu, on: file)
  }

  /// As above, by way of `prepareEntry`.
  @inline(never) private func raiseUnlistedTimer(_ vcpu: Int, on file: some ListRegisterFile) {
    // Still in a list register: the guest's end of interrupt is to come, and ends this one too.
    if isTimerLinked(vcpu, on: file) { return }
    self[vcpu].timer = .pending
    _ = flag(vcpu, VirtualGICCPU.Attention.privateAdded)
  }

  /// The list register that ends in the physical interrupt.
  @inline(__always) func linkedListRegister(_ bank: InterruptBank, state: UInt64) -> UInt64 {
    let group = UInt64((bank.peek(.group) &>> UInt32(Self.timerInterrupt)) & 1)
    let priority = UInt64(bank.priority(Self.timerInterrupt))
    let link = ICH_LR_EL2.hw.mask | ICH_LR_EL2.pintid.placed(UInt64(Self.timerInterrupt))
    return state | link | ICH_LR_EL2.group.placed(group) | ICH_LR_EL2.priority.placed(priority)
      | UInt64(Self.timerInterrupt)
  }

  /// Whether the physical timer interrupt has to be active while `vcpu` is on a CPU. `file` is what the vCPU is
  /// on; asked before `save` when it leaves a CPU, after `load` when it comes to one.
  func isTimerLinked(_ vcpu: Int, on file: some ListRegisterFile) -> Bool {
    switch self[vcpu].timer {
    case .unlinked: return false
    case .pending, .active: return true
    case .listed: return ICH_LR_EL2(rawValue: file.listRegister(self[vcpu].linkedRegister)).isInUse
    }
  }

  // MARK: - Telling

  /// Whether `vcpu` has something to look at: what a parked vCPU waits for. Any CPU may ask.
  @inline(__always) func needsAttention(_ vcpu: Int) -> Bool {
    self[vcpu].attention.load(ordering: .sequentiallyConsistent) != 0
  }

  /// Sets a reason to look; the vCPU's bit unless it has one already.
  @inline(__always) func flag(_ vcpu: Int, _ reason: UInt32) -> UInt64 {
    let before = self[vcpu].attention.bitwiseOr(reason, ordering: .sequentiallyConsistent).oldValue
    return before == 0 ? 1 &<< UInt64(truncatingIfNeeded: vcpu) : 0
  }

  /// Private interrupts `bits` may have become deliverable.
  @inline(__always) func announcePending(private vcpu: Int, _ bits: UInt32) -> UInt64 {
    let bank = privateBank(vcpu)
    guard bits & bank.load(.enabled) & groupMask(bank) != 0 else { return 0 }
    return flag(vcpu, VirtualGICCPU.Attention.privateAdded)
  }

  /// What private interrupts `bits` have in list registers no longer holds.
  func announceChange(private vcpu: Int, _ bits: UInt32) -> UInt64 {
    guard bits & privateBank(vcpu).load(.listed) != 0 else { return 0 }
    return flag(vcpu, VirtualGICCPU.Attention.rebuild)
  }

  /// SPIs `bits` of a bank may have become deliverable.
  func announcePending(shared index: Int, _ bits: UInt32) -> UInt64 {
    let bank = sharedBank(index)
    var bits = bits & bank.load(.enabled) & groupMask(bank)
    var notified: UInt64 = 0
    while bits != 0 {
      let spi = index &* 32 &+ bits.trailingZeroBitCount
      let bit = bits & (0 &- bits)
      bits &= ~bit
      let isHeld = (bank.load(.listed) | bank.load(.active)) & bit != 0
      guard let vcpu = isHeld ? holder(spi) ?? target(spi) : target(spi) else { continue }
      notified |= flag(vcpu, VirtualGICCPU.Attention.sharedAdded)
    }
    return notified
  }

  /// What SPIs `bits` of a bank have in list registers no longer holds.
  func announceChange(shared index: Int, _ bits: UInt32) -> UInt64 {
    var bits = bits & sharedBank(index).load(.listed)
    var notified: UInt64 = 0
    while bits != 0 {
      let spi = index &* 32 &+ bits.trailingZeroBitCount
      bits &= bits &- 1
      // None: the vCPU that is just about to list it reads the state after it says so.
      guard let vcpu = holder(spi) else { continue }
      notified |= flag(vcpu, VirtualGICCPU.Attention.rebuild)
    }
    return notified
  }
}
