import Kernel
import Synchronization

/// Between the banks and the list registers. Every function here is called on the CPU that the vCPU is on, with
/// interrupts masked, and does a bounded amount of work: at most one pass over the banks.
extension VirtualGIC {
  /// What the caller has to do before it enters the guest.
  struct EntryWork {
    /// vCPUs that an interrupt was handed on to.
    var notified: UInt64 = 0
    /// The guest took the active state from the timer's interrupt by other means than ending it: deactivate the
    /// physical one (ICC_DIR_EL1).
    var deactivatesTimer = false
  }

  /// Brings the list registers up to date. Before each entry; a few instructions when nothing happened.
  @inline(__always) func prepareEntry(_ vcpu: Int, on file: some ListRegisterFile) -> EntryWork {
    // Relaxed: who sets it later also kicks this CPU, which then comes back here.
    guard self[vcpu].attention.load(ordering: .relaxed) != 0 else { return EntryWork() }
    return synchronize(vcpu, on: file)
  }

  @inline(never) func synchronize(_ vcpu: Int, on file: some ListRegisterFile) -> EntryWork {
    let reasons = self[vcpu].attention.exchange(0, ordering: .sequentiallyConsistent)
    var work = EntryWork()
    if reasons & VirtualGICCPU.Attention.rebuild == 0, !self[vcpu].isOverflowing {
      if reasons == VirtualGICCPU.Attention.privateAdded, listAgain(vcpu, on: file) { return work }
      retireEmpty(vcpu, on: file, &work)
      if addPrivate(vcpu, reasons, on: file), addShared(vcpu, reasons, on: file) { return work }
    }
    rebuild(vcpu, on: file, &work)
    return work
  }

  /// Takes everything out of the list registers and lists nothing: when a vCPU is turned off, so that others can
  /// have what it held. Its virtual CPU interface goes back to the state of power-on.
  ///
  /// The caller deactivates the physical timer interrupt if `deactivatesTimer` says so.
  func retire(_ vcpu: Int, on file: some ListRegisterFile) -> EntryWork {
    var work = EntryWork()
    takeBackAll(vcpu, on: file, &work)
    for index in 0..<listRegisterMask.nonzeroBitCount { file.setListRegister(index, to: 0) }
    work.deactivatesTimer = work.deactivatesTimer || self[vcpu].timer != .unlinked
    self[vcpu].timer = .unlinked
    privateBank(vcpu).clear(.active, .max)
    self[vcpu].isOverflowing = false
    self[vcpu].resetInterface()
    file.control = self[vcpu].control
    file.vmcr = 0
    for index in 0..<interface.activePriorityRegisterCount {
      file.setActivePriorities0(index, to: 0)
      file.setActivePriorities1(index, to: 0)
    }
    // Whatever is pending is looked at when the vCPU is turned on again.
    _ = flag(vcpu, VirtualGICCPU.Attention.rebuild)
    return work
  }

  // MARK: - Adding

  /// Frees the list registers whose interrupts the guest has ended.
  @inline(__always)
  private func retireEmpty(_ vcpu: Int, on file: some ListRegisterFile, _ work: inout EntryWork) {
    var ended = file.empty & self[vcpu].inUse
    while ended != 0 {
      let index = ended.trailingZeroBitCount
      ended &= ended &- 1
      takeBack(vcpu, index, ICH_LR_EL2(rawValue: file.listRegister(index)), &work)
    }
  }

  /// Makes SGIs pending in the list registers that they were in the last time and have, ended, to themselves. False where
  /// there is more to do.
  @inline(__always)
  private func listAgain(_ vcpu: Int, on file: some ListRegisterFile) -> Bool {
    let bank = privateBank(vcpu)
    var bits = deliverablePrivate(bank, vcpu)
    // SGIs alone: their state is the latch, there is no level to follow.
    let ours = bank.load(.listed) & ~bank.load(.active) & 0xffff
    guard bits & ~ours == 0 else { return false }
    guard (bank.load(.dropPending) | bank.load(.dropActive) | bank.load(.addActive)) & bits == 0 else { return false }
    let ended = file.empty & self[vcpu].inUse
    while bits != 0 {
      let place = bits.trailingZeroBitCount & 15
      let bit = UInt32(1) &<< UInt32(truncatingIfNeeded: place)
      bits &= ~bit
      let index = Int(self[vcpu].registerOfSGI[place])
      guard ended & (1 &<< UInt32(truncatingIfNeeded: index)) != 0 else { return false }
      guard bank.clear(.latch, bit) & bit != 0 else { continue }
      self[vcpu].latchTaken |= 1 &<< UInt32(truncatingIfNeeded: index)
      let group = UInt64((bank.peek(.group) &>> UInt32(truncatingIfNeeded: place)) & 1)
      let priority = ICH_LR_EL2.priority.placed(UInt64(bank.priority(place)))
      file.setListRegister(
        index, to: ICH_LR_EL2.pending | ICH_LR_EL2.group.placed(group) | priority | UInt64(truncatingIfNeeded: place))
    }
    return true
  }

  /// Lists SGIs and PPIs that became pending. False where that needs the long way.
  @inline(__always)
  private func addPrivate(_ vcpu: Int, _ reasons: UInt32, on file: some ListRegisterFile) -> Bool {
    guard reasons & VirtualGICCPU.Attention.privateAdded != 0 else { return true }
    let bank = privateBank(vcpu)
    var bits = deliverablePrivate(bank, vcpu)
    guard bits & (bank.peek(.listed) | bank.peek(.active)) == 0 else { return false }
    while bits != 0 {
      let free = listRegisterMask & ~self[vcpu].inUse
      guard free != 0 else { return false }
      list(bits.trailingZeroBitCount, bank, shared: nil, in: free.trailingZeroBitCount, vcpu, on: file)
      bits &= bits &- 1
    }
    return true
  }

  /// Lists SPIs that became pending. False where that needs the long way.
  private func addShared(_ vcpu: Int, _ reasons: UInt32, on file: some ListRegisterFile) -> Bool {
    guard reasons & VirtualGICCPU.Attention.sharedAdded != 0 else { return true }
    for index in 0..<sharedBankCount {
      let bank = sharedBank(index)
      var bits = pending(bank) & bank.load(.enabled) & groupMask(bank)
      while bits != 0 {
        let place = bits.trailingZeroBitCount
        let bit = bits & (0 &- bits)
        bits &= ~bit
        let spi = index &* 32 &+ place
        if (bank.load(.listed) | bank.load(.active)) & bit != 0 {
          if (holder(spi) ?? target(spi)) == vcpu { return false }
          continue
        }
        guard target(spi) == vcpu else { continue }
        let free = listRegisterMask & ~self[vcpu].inUse
        guard free != 0 else { return false }
        list(place, bank, shared: spi, in: free.trailingZeroBitCount, vcpu, on: file)
      }
    }
    return true
  }

  /// SGIs and PPIs that a list register could deliver, the linked timer among them.
  @inline(__always) private func deliverablePrivate(_ bank: InterruptBank, _ vcpu: Int) -> UInt32 {
    let timer: UInt32 = self[vcpu].timer == .pending ? 1 &<< UInt32(Self.timerInterrupt) : 0
    return (pending(bank) | timer) & bank.load(.enabled) & groupMask(bank)
  }

  // MARK: - One list register

  /// Puts interrupt number `place` of `bank` into list register `index`, which is free. `shared`: its number among
  /// the SPIs. Leaves the list register alone where there is, after all, nothing to list.
  ///
  /// `isCrowded`: a pending interrupt found no room. The maintenance interrupt for "none pending" then has to come
  /// when the listed ones are acknowledged, so what is active is not made pending as well.
  private func list(
    _ place: Int, _ bank: InterruptBank, shared: Int?, in index: Int, _ vcpu: Int, isCrowded: Bool = false,
    on file: some ListRegisterFile
  ) {
    let bit = UInt32(1) &<< UInt32(truncatingIfNeeded: place)
    // From here on others tell us, and nobody else lists it. What the state is now is read after this.
    guard bank.set(.listed, bit) & bit == 0 else { return }
    if let shared { setHolder(shared, to: vcpu) }
    settleRequests(bank, bit)

    let value = contents(place, bank, shared: shared, in: index, vcpu, isCrowded: isCrowded)
    guard value != 0 else {
      bank.clear(.listed, bit)
      return
    }
    self[vcpu].inUse |= 1 &<< UInt32(truncatingIfNeeded: index)
    if shared == nil, place < 16 { self[vcpu].registerOfSGI[place] = UInt8(truncatingIfNeeded: index) }
    file.setListRegister(index, to: value)
  }

  /// What list register `index` has to say about a listed interrupt; 0 for nothing. Takes the interrupt's latch.
  @inline(__always) private func contents(
    _ place: Int, _ bank: InterruptBank, shared: Int?, in index: Int, _ vcpu: Int, isCrowded: Bool
  ) -> UInt64 {
    let bit = UInt32(1) &<< UInt32(truncatingIfNeeded: place)
    let isTimer = shared == nil && place == Self.timerInterrupt
    let isActive = bank.load(.active) & bit != 0
    let isOurs = shared.map { target($0) == vcpu } ?? true
    let isLater = isActive && (isCrowded || (isTimer && self[vcpu].timer == .active))
    let canPend = isOurs && !isLater && bank.load(.enabled) & groupMask(bank) & bit != 0
    if isTimer, self[vcpu].timer == (isActive ? .active : .pending), isActive ? pending(bank) & bit == 0 : canPend {
      self[vcpu].timer = .listed
      self[vcpu].linkedRegister = index
      if !isActive { bank.clear(.latch, bit) }
      return linkedListRegister(bank, state: isActive ? ICH_LR_EL2.active : ICH_LR_EL2.pending)
    }

    var value = isActive ? ICH_LR_EL2.active : 0
    // A linked timer's end must come to us when it is not in a linked list register, and so must that of what is
    // pending for another vCPU or for later.
    var asksForEnd = isTimer && self[vcpu].timer != .unlinked
    if canPend {
      let isLatched = bank.load(.latch) & bit != 0 && bank.clear(.latch, bit) & bit != 0
      let isHigh = bank.load(.line) & ~bank.peek(.edge) & bit != 0
      if isLatched || isHigh { value |= ICH_LR_EL2.pending }
      if isLatched { self[vcpu].latchTaken |= 1 &<< UInt32(truncatingIfNeeded: index) }
      // The line may still be high when the guest ends the interrupt; nothing else would tell us.
      asksForEnd = asksForEnd || isHigh
    } else if isActive, pending(bank) & bit != 0 {
      asksForEnd = true
    }
    guard value != 0 else { return 0 }
    let group = UInt64((bank.peek(.group) &>> UInt32(truncatingIfNeeded: place)) & 1)
    let interrupt = shared.map { $0 &+ Self.firstShared } ?? place
    value |= ICH_LR_EL2.group.placed(group) | ICH_LR_EL2.priority.placed(UInt64(bank.priority(place)))
    return value | (asksForEnd ? ICH_LR_EL2.eoi.mask : 0) | UInt64(truncatingIfNeeded: interrupt)
  }

  /// Carries out what another vCPU asked for just as the interrupt changed from one list register to the next.
  @inline(__always) private func settleRequests(_ bank: InterruptBank, _ bit: UInt32) {
    guard (bank.load(.dropPending) | bank.load(.dropActive) | bank.load(.addActive)) & bit != 0 else { return }
    if bank.clear(.addActive, bit) & bit != 0 { bank.set(.active, bit) }
    if bank.clear(.dropPending, bit) & bit != 0 { bank.clear(.latch, bit) }
    if bank.clear(.dropActive, bit) & bit != 0 { bank.clear(.active, bit) }
  }

  /// Moves what list register `index` says back into the banks. The register itself is left as it is.
  private func takeBack(_ vcpu: Int, _ index: Int, _ register: ICH_LR_EL2, _ work: inout EntryWork) {
    let interrupt = register.interrupt
    let bank = bank(of: interrupt, vcpu: vcpu)
    let bit = UInt32(1) &<< UInt32(truncatingIfNeeded: interrupt & 31)
    let tookLatch = self[vcpu].latchTaken & (1 &<< UInt32(truncatingIfNeeded: index)) != 0
    self[vcpu].latchTaken &= ~(1 &<< UInt32(truncatingIfNeeded: index))
    self[vcpu].inUse &= ~(1 &<< UInt32(truncatingIfNeeded: index))

    // Active is in the bank before anybody else may list the interrupt; pending goes there once it is clear who
    // carries out a request to drop it.
    if register.isActive {
      bank.set(.active, bit)
    } else if bank.load(.active) & bit != 0 {
      bank.clear(.active, bit)
    }
    bank.clear(.listed, bit)
    var isActive = register.isActive
    if bank.load(.dropActive) & bit != 0, bank.clear(.dropActive, bit) & bit != 0 {
      bank.clear(.active, bit)
      isActive = false
    }
    if bank.load(.addActive) & bit != 0, bank.clear(.addActive, bit) & bit != 0 { bank.set(.active, bit) }
    let isDropped = bank.load(.dropPending) & bit != 0 && bank.clear(.dropPending, bit) & bit != 0

    if register.isLinked {
      if self[vcpu].timer == .listed { takeBackTimer(vcpu, register, isActive: isActive, &work) }
    } else if register.isPending, tookLatch, !isDropped {
      bank.set(.latch, bit)
    }
    guard interrupt >= Self.firstShared, !isActive else { return }
    // What came while we held it was told to us alone.
    let spi = interrupt &- Self.firstShared
    if target(spi) != vcpu, pending(bank) & bit != 0 { work.notified |= announcePending(shared: spi &>> 5, bit) }
  }

  private func takeBackTimer(
    _ vcpu: Int, _ register: ICH_LR_EL2, isActive: Bool, _ work: inout EntryWork
  ) {
    // A pending timer interrupt is a level that only the timer itself takes away.
    if register.isPending {
      self[vcpu].timer = .pending
    } else if isActive {
      self[vcpu].timer = .active
    } else {
      self[vcpu].timer = .unlinked
      work.deactivatesTimer = work.deactivatesTimer || register.isActive
    }
  }

  private func takeBackAll(_ vcpu: Int, on file: some ListRegisterFile, _ work: inout EntryWork) {
    var listed = self[vcpu].inUse
    while listed != 0 {
      let index = listed.trailingZeroBitCount
      listed &= listed &- 1
      takeBack(vcpu, index, ICH_LR_EL2(rawValue: file.listRegister(index)), &work)
    }
  }

  // MARK: - The long way

  /// Takes everything back and lists anew.
  private func rebuild(_ vcpu: Int, on file: some ListRegisterFile, _ work: inout EntryWork) {
    let before = self[vcpu].inUse
    takeBackAll(vcpu, on: file, &work)
    endUnlisted(vcpu, on: file)
    if self[vcpu].timer == .active, privateBank(vcpu).load(.active) & (1 &<< UInt32(Self.timerInterrupt)) == 0 {
      self[vcpu].timer = .unlinked
      work.deactivatesTimer = true
    }

    let vmcr = ICH_VMCR_EL2(rawValue: file.vmcr)
    var ranking = InterruptRanking(capacity: listRegisterMask.nonzeroBitCount)
    rank(vcpu, vmcr, &ranking)
    ranking.finish()

    var index = 0
    for place in 0..<ranking.count {
      let interrupt = ranking.interrupt(at: place)
      let shared = interrupt < Self.firstShared ? nil : interrupt &- Self.firstShared
      list(
        interrupt & 31, bank(of: interrupt, vcpu: vcpu), shared: shared, in: index, vcpu,
        isCrowded: ranking.leftOut.contains(.pending), on: file)
      if self[vcpu].inUse & (1 &<< UInt32(truncatingIfNeeded: index)) != 0 { index &+= 1 }
    }
    var stale = before & ~self[vcpu].inUse
    while stale != 0 {
      file.setListRegister(stale.trailingZeroBitCount, to: 0)
      stale &= stale &- 1
    }
    setControl(vcpu, ranking.leftOut, vmcr, on: file)
  }

  /// Ends active interrupts for which there was no list register when the guest ended them: the most urgent ones,
  /// since that is the order in which interrupts nest (IHI 0069, ICH_HCR_EL2.EOIcount).
  private func endUnlisted(_ vcpu: Int, on file: some ListRegisterFile) {
    guard self[vcpu].control & ICH_HCR_EL2.lrenpie.rawValue != 0 else { return }
    for _ in 0..<ICH_HCR_EL2.eoicount.value(in: file.control) {
      var best: (interrupt: Int, priority: UInt32)?
      forEachActive(vcpu) { interrupt, bank in
        let isListed = bank.peek(.listed) & (1 &<< UInt32(truncatingIfNeeded: interrupt & 31)) != 0
        let priority = bank.priority(interrupt & 31)
        if !isListed, !wasJustTakenBack(interrupt, vcpu, on: file), best.map({ priority < $0.priority }) ?? true {
          best = (interrupt, priority)
        }
      }
      guard let best else { return }
      bank(of: best.interrupt, vcpu: vcpu).clear(.active, 1 &<< UInt32(truncatingIfNeeded: best.interrupt & 31))
    }
  }

  /// Whether the hardware's list registers, not yet written again, still hold `interrupt` as active.
  private func wasJustTakenBack(_ interrupt: Int, _ vcpu: Int, on file: some ListRegisterFile) -> Bool {
    for index in 0..<listRegisterMask.nonzeroBitCount {
      let register = ICH_LR_EL2(rawValue: file.listRegister(index))
      if register.isActive, register.interrupt == interrupt { return true }
    }
    return false
  }

  /// Calls `body` with each interrupt that is active on `vcpu`.
  private func forEachActive(_ vcpu: Int, _ body: (Int, InterruptBank) -> Void) {
    var bits = privateBank(vcpu).load(.active)
    while bits != 0 {
      body(bits.trailingZeroBitCount, privateBank(vcpu))
      bits &= bits &- 1
    }
    for index in 0..<sharedBankCount {
      let bank = sharedBank(index)
      var bits = bank.load(.active)
      while bits != 0 {
        let spi = index &* 32 &+ bits.trailingZeroBitCount
        bits &= bits &- 1
        if (holder(spi) ?? target(spi)) == vcpu { body(spi &+ Self.firstShared, bank) }
      }
    }
  }

  private func rank(_ vcpu: Int, _ vmcr: ICH_VMCR_EL2, _ ranking: inout InterruptRanking) {
    let own = privateBank(vcpu)
    var bits = deliverablePrivate(own, vcpu) | own.load(.active)
    while bits != 0 {
      let place = bits.trailingZeroBitCount
      bits &= bits &- 1
      ranking.add(place, rankOf(own, place, vmcr), priority: own.priority(place))
    }
    for index in 0..<sharedBankCount {
      let bank = sharedBank(index)
      let active = bank.load(.active)
      var bits = ((pending(bank) & bank.load(.enabled) & groupMask(bank)) | active) & ~bank.load(.listed)
      while bits != 0 {
        let place = bits.trailingZeroBitCount
        bits &= bits &- 1
        let spi = index &* 32 &+ place
        let isActive = active & (1 &<< UInt32(place)) != 0
        guard (isActive ? holder(spi) ?? target(spi) : target(spi)) == vcpu else { continue }
        ranking.add(spi &+ Self.firstShared, rankOf(bank, place, vmcr), priority: bank.priority(place))
      }
    }
  }

  private func rankOf(_ bank: InterruptBank, _ place: Int, _ vmcr: ICH_VMCR_EL2) -> InterruptRanking.Rank {
    let bit = UInt32(1) &<< UInt32(truncatingIfNeeded: place)
    if bank.load(.active) & bit != 0 { return .active }
    let enable = bank.peek(.group) & bit != 0 ? ICH_VMCR_EL2.veng1 : ICH_VMCR_EL2.veng0
    return vmcr.rawValue & enable.mask != 0 ? .pending : .muted
  }

  /// Asks for the maintenance interrupts that tell when what found no room can be listed.
  private func setControl(
    _ vcpu: Int, _ leftOut: InterruptRanking.LeftOut, _ vmcr: ICH_VMCR_EL2, on file: some ListRegisterFile
  ) {
    var control: ICH_HCR_EL2 = .en
    if leftOut.contains(.pending) { control.insert(.npie) }
    if leftOut.contains(.active) {
      control.insert(.lrenpie)
      // An interrupt that is deactivated apart from its end of interrupt is named to nobody but us.
      if ICH_VTR_EL2.tds.value(in: interface.rawValue) != 0 { control.insert(.tdir) }
    }
    // Which group is on decided on what was listed.
    if leftOut.contains(.pending) || leftOut.contains(.muted) {
      control.insert(ICH_VMCR_EL2.veng0.value(in: vmcr.rawValue) == 0 ? .vgrp0eie : .vgrp0die)
      control.insert(ICH_VMCR_EL2.veng1.value(in: vmcr.rawValue) == 0 ? .vgrp1eie : .vgrp1die)
    }
    self[vcpu].isOverflowing = !leftOut.isEmpty
    // Also clears EOIcount.
    if control.rawValue != ICH_HCR_EL2.en.rawValue || control.rawValue != self[vcpu].control {
      self[vcpu].control = control.rawValue
      file.control = control.rawValue
    }
  }
}
