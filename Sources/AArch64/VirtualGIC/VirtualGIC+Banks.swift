import Virtualization

/// The registers that the distributor and the redistributors have in common: one bit, two bits or one byte an
/// interrupt. Offsets are from the base of the distributor or of an SGI frame (IHI 0069, 12.8 and 12.10).
extension VirtualGIC {
  /// Which bank a register is about, and who asks.
  struct BankAccess {
    let bank: InterruptBank
    /// The vCPU whose SGIs and PPIs they are; nil for SPIs.
    let owner: Int?
    /// The number of the bank among the SPIs; 0 for a vCPU's own.
    let index: Int
    /// The vCPU that makes the access.
    let vcpu: Int
  }

  /// Registers with one bit an interrupt, by offset / 0x80.
  enum BitRegister: UInt64 {
    case igroupr = 1
    case isenabler = 2
    case icenabler = 3
    case ispendr = 4
    case icpendr = 5
    case isactiver = 6
    case icactiver = 7
  }

  // MARK: - One bit an interrupt

  @inline(__always)
  func readBits(
    _ register: BitRegister, _ access: BankAccess, on file: some ListRegisterFile, _ notified: inout UInt64
  ) -> UInt32 {
    switch register {
    case .igroupr: access.bank.peek(.group)
    case .isenabler, .icenabler: access.bank.peek(.enabled)
    case .ispendr, .icpendr: readState(access, ICH_LR_EL2.pending, on: file, &notified)
    case .isactiver, .icactiver: readState(access, ICH_LR_EL2.active, on: file, &notified)
    }
  }

  /// Pending or active interrupts. What the asker's own list registers hold is exact. What another vCPU's hold is
  /// as of when it last looked, and it is asked to look, so that a guest which polls sees it change.
  @inline(never) private func readState(
    _ access: BankAccess, _ state: UInt64, on file: some ListRegisterFile, _ notified: inout UInt64
  ) -> UInt32 {
    let bank = access.bank
    var elsewhere = bank.load(.listed)
    var value: UInt32 = 0
    var listed = self[access.vcpu].inUse
    while listed != 0 {
      let register = ICH_LR_EL2(rawValue: file.listRegister(listed.trailingZeroBitCount))
      listed &= listed &- 1
      let interrupt = register.interrupt
      guard access.owner == nil ? interrupt &>> 5 == access.index &+ 1 : interrupt < Self.firstShared else { continue }
      guard access.owner == nil || access.owner == access.vcpu else { continue }
      let bit = UInt32(1) &<< UInt32(truncatingIfNeeded: interrupt & 31)
      elsewhere &= ~bit
      if register.rawValue & state != 0 { value |= bit }
    }
    let here = bank.load(.listed) & ~elsewhere
    if state == ICH_LR_EL2.active {
      value |= bank.load(.active) & ~here
    } else {
      value |= pending(bank) | (elsewhere & ~bank.load(.active))
      if access.owner == access.vcpu, self[access.vcpu].timer == .pending { value |= 1 &<< UInt32(Self.timerInterrupt) }
    }
    if elsewhere != 0 { notified |= announceChange(access, elsewhere) }
    return value
  }

  /// Writes a register that sets or clears with ones, or the group register; returns the vCPUs to notify.
  @inline(__always)
  func writeBits(_ register: BitRegister, _ access: BankAccess, _ bits: UInt32) -> UInt64 {
    let bank = access.bank
    switch register {
    case .isenabler:
      let added = bits & ~bank.set(.enabled, bits)
      return added == 0 ? 0 : announceEnabled(access, added)
    case .icenabler:
      let removed = bits & bank.clear(.enabled, bits)
      return removed == 0 ? 0 : announceChange(access, removed)
    default: return bits == 0 && register != .igroupr ? 0 : writeState(register, access, bits)
    }
  }

  @inline(never) private func writeState(_ register: BitRegister, _ access: BankAccess, _ bits: UInt32) -> UInt64 {
    let bank = access.bank
    switch register {
    case .igroupr:
      let changed = bank.replace(.group, .max, by: bits) ^ bits
      return changed == 0 ? 0 : announceChange(access, changed) | announceEnabled(access, changed)
    case .ispendr:
      bank.set(.latch, bits)
      return announcePending(access, bits)
    case .icpendr: return clearPending(access, bits)
    case .isactiver: return setActive(access, bits)
    case .icactiver: return clearActive(access, bits)
    case .isenabler, .icenabler: return 0
    }
  }

  private func clearPending(_ access: BankAccess, _ bits: UInt32) -> UInt64 {
    let bank = access.bank
    bank.clear(.latch, bits)
    return request(.dropPending, access, bits) { bank.clear(.latch, $0) }
  }

  private func setActive(_ access: BankAccess, _ bits: UInt32) -> UInt64 {
    let bank = access.bank
    bank.set(.active, bits)
    return request(.addActive, access, bits) { bank.set(.active, $0) } | announceActive(access, bits)
  }

  /// ICACTIVER, and a deactivation that the guest's CPU interface could not carry out by itself.
  func clearActive(_ access: BankAccess, _ bits: UInt32) -> UInt64 {
    let bank = access.bank
    bank.clear(.active, bits)
    // Something else may be deliverable now, and the timer may have to be ended in the hardware.
    return request(.dropActive, access, bits) { bank.clear(.active, $0) } | announceActive(access, bits)
  }

  /// Asks the holders of those of `bits` that are in list registers to carry out `word`. Who clears a bit of the
  /// request carries it out: the holder when it takes the interrupt back or lists it again, or, where it did the
  /// former before it could see the request, this function.
  private func request(
    _ word: InterruptBank.Word, _ access: BankAccess, _ bits: UInt32, carryOut: (UInt32) -> Void
  ) -> UInt64 {
    let bank = access.bank
    let listed = bits & bank.load(.listed)
    guard listed != 0 else { return 0 }
    bank.set(word, listed)
    let missed = listed & ~bank.load(.listed)
    if missed != 0 { carryOut(bank.clear(word, missed) & missed) }
    return announceChange(access, listed)
  }

  /// A trapped write of ICC_DIR_EL1 (ICH_HCR_EL2.TDIR); an interrupt that the VM does not have is ignored.
  func deactivate(_ interrupt: UInt64, vcpu: Int) -> UInt64 {
    let value = Int(truncatingIfNeeded: interrupt & 0xff_ffff)
    guard value < Self.firstShared &+ sharedBankCount &* 32 else { return 0 }
    let bit = UInt32(1) &<< UInt32(truncatingIfNeeded: value & 31)
    return clearActive(access(toBank: value &>> 5, redistributor: vcpu, by: vcpu), bit)
  }

  // MARK: - Two bits and one byte an interrupt

  /// GICD_ICFGR, GICR_ICFGR: `half` 0 for the lower 16 interrupts of the bank.
  func readConfiguration(_ access: BankAccess, half: Int) -> UInt32 {
    let edge = access.bank.peek(.edge) &>> UInt32(truncatingIfNeeded: half &* 16)
    return Self.spread(edge & 0xffff) &<< 1
  }

  /// SGIs are always edge-triggered, and the PPIs of this machine always levels: only SPIs change.
  func writeConfiguration(_ access: BankAccess, half: Int, _ value: UInt32) -> UInt64 {
    guard access.owner == nil else { return 0 }
    let shift = UInt32(truncatingIfNeeded: half &* 16)
    let edge = Self.gathered(value &>> 1) &<< shift
    let mask = UInt32(0xffff) &<< shift
    let changed = (access.bank.replace(.edge, mask, by: edge) ^ edge) & mask
    return changed == 0 ? 0 : announceChange(access, changed) | announceEnabled(access, changed)
  }

  /// Moves the lower 16 bits to the even places.
  private static func spread(_ bits: UInt32) -> UInt32 {
    var bits = bits & 0xffff
    bits = (bits | bits &<< 8) & 0x00ff_00ff
    bits = (bits | bits &<< 4) & 0x0f0f_0f0f
    bits = (bits | bits &<< 2) & 0x3333_3333
    return (bits | bits &<< 1) & 0x5555_5555
  }

  /// Moves the even places to the lower 16 bits.
  private static func gathered(_ bits: UInt32) -> UInt32 {
    var bits = bits & 0x5555_5555
    bits = (bits | bits &>> 1) & 0x3333_3333
    bits = (bits | bits &>> 2) & 0x0f0f_0f0f
    bits = (bits | bits &>> 4) & 0x00ff_00ff
    return (bits | bits &>> 8) & 0xffff
  }

  /// Four or one of the IPRIORITYR bytes. `first` is the number (0…31) of the interrupt in the bank.
  func readPriorities(_ access: BankAccess, first: Int, _ width: AccessWidth) -> UInt64 {
    switch width {
    case .word: UInt64(access.bank.priorities(first &>> 2))
    case .byte: UInt64(access.bank.priority(first))
    default: 0
    }
  }

  func writePriorities(_ access: BankAccess, first: Int, _ width: AccessWidth, _ value: UInt64) -> UInt64 {
    guard width == .word || width == .byte else { return 0 }
    let shift = width == .word ? 0 : UInt32(truncatingIfNeeded: first & 3) &* 8
    let mask: UInt32 = width == .word ? .max : 0xff &<< shift
    let new = (UInt32(truncatingIfNeeded: value) &<< shift) & priorityMask & mask
    let difference = (access.bank.replacePriorities(first &>> 2, mask, by: new) ^ new) & mask
    guard difference != 0 else { return 0 }
    var changed: UInt32 = 0
    for byte in UInt32(0)..<4 where difference & (0xff &<< (byte &* 8)) != 0 {
      changed |= 1 &<< (UInt32(truncatingIfNeeded: first & 0x1c) &+ byte)
    }
    return announceChange(access, changed) | announceEnabled(access, changed)
  }

  // MARK: - Telling

  func announceChange(_ access: BankAccess, _ bits: UInt32) -> UInt64 {
    if let owner = access.owner { return announceChange(private: owner, bits) }
    return announceChange(shared: access.index, bits)
  }

  private func announcePending(_ access: BankAccess, _ bits: UInt32) -> UInt64 {
    if let owner = access.owner { return announcePending(private: owner, bits) }
    return announcePending(shared: access.index, bits)
  }

  /// Interrupts whose state may make them deliverable now, if they are pending.
  private func announceEnabled(_ access: BankAccess, _ bits: UInt32) -> UInt64 {
    var waiting = pending(access.bank) & bits
    if let owner = access.owner {
      // Only its own CPU knows about the timer.
      waiting |= bits & (1 &<< UInt32(Self.timerInterrupt))
      return waiting == 0 ? 0 : announcePending(private: owner, waiting)
    }
    return waiting == 0 ? 0 : announcePending(shared: access.index, waiting)
  }

  /// Interrupts whose active state changed: whoever has them looks at everything.
  private func announceActive(_ access: BankAccess, _ bits: UInt32) -> UInt64 {
    guard bits != 0 else { return 0 }
    if let owner = access.owner { return flag(owner, VirtualGICCPU.Attention.rebuild) }
    var bits = bits
    var notified: UInt64 = 0
    while bits != 0 {
      let spi = access.index &* 32 &+ bits.trailingZeroBitCount
      bits &= bits &- 1
      if let vcpu = holder(spi) { notified |= flag(vcpu, VirtualGICCPU.Attention.rebuild) }
      if let vcpu = target(spi) { notified |= flag(vcpu, VirtualGICCPU.Attention.rebuild) }
    }
    return notified
  }
}
