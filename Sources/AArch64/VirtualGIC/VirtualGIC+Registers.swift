import Synchronization
import Virtualization

/// The memory-mapped registers. Every offset and width has an answer: what is reserved, or not there with one
/// security state, affinity routing and no LPIs, reads as zero and ignores writes; so does an access of a width that
/// the register does not have (IHI 0069, 12.1.3).
///
/// Reads add to `notified`, writes return, the vCPUs to notify; the one that makes the access is not among them.
extension VirtualGIC {
  /// Bytes of the distributor, and of one vCPU's redistributor.
  static let distributorByteCount: UInt64 = 0x1_0000
  static let redistributorByteCount: UInt64 = 0x2_0000

  // MARK: - Distributor

  @inline(__always) func readDistributor(
    _ offset: UInt64, _ width: AccessWidth, by vcpu: Int, on file: some ListRegisterFile,
    notified: inout UInt64
  ) -> UInt64 {
    guard offset < Self.distributorByteCount, offset & (width.byteCount &- 1) == 0 else { return 0 }
    if width == .word, offset < 0x80 { return UInt64(readDistributorControl(offset)) }
    return readDistributorBanks(offset, width, by: vcpu, on: file, notified: &notified)
  }

  /// What is there for each interrupt: everything from GICD_IGROUPR0 on.
  @inline(never) private func readDistributorBanks(
    _ offset: UInt64, _ width: AccessWidth, by vcpu: Int, on file: some ListRegisterFile,
    notified: inout UInt64
  ) -> UInt64 {
    let block = offset &>> 7
    if width == .word, block < 8 {
      guard let register = BitRegister(rawValue: block), let access = shared(offset, 2, by: vcpu) else { return 0 }
      return UInt64(readBits(register, access, on: file, &notified))
    }
    switch block {
    case 8..<16:
      guard let access = shared(offset, 0, by: vcpu) else { return 0 }
      return readPriorities(access, first: Int(offset & 0x1f), width)
    case 24, 25:
      guard width == .word, let access = shared(offset, 3, by: vcpu) else { return 0 }
      return UInt64(readConfiguration(access, half: Int(offset &>> 2) & 1))
    case 192..<256: return readRoute(offset, width)
    case 511: return width == .word ? UInt64(Self.identification(offset & 0xffff, part: 0x92)) : 0
    default: return 0
    }
  }

  @inline(never) func writeDistributor(_ offset: UInt64, _ width: AccessWidth, _ value: UInt64, by vcpu: Int) -> UInt64
  {
    guard offset < Self.distributorByteCount, offset & (width.byteCount &- 1) == 0 else { return 0 }
    let block = offset &>> 7
    let others = ~(UInt64(1) &<< UInt64(vcpu))
    if width == .word, block < 8 {
      let word = UInt32(truncatingIfNeeded: value)
      guard block > 0 else { return (offset == 0 ? writeDistributorControl(word) : 0) & others }
      guard let register = BitRegister(rawValue: block), let access = shared(offset, 2, by: vcpu) else { return 0 }
      return writeBits(register, access, word) & others
    }
    switch block {
    case 8..<16:
      guard let access = shared(offset, 0, by: vcpu) else { return 0 }
      return writePriorities(access, first: Int(offset & 0x1f), width, value) & others
    case 24, 25:
      guard width == .word, let access = shared(offset, 3, by: vcpu) else { return 0 }
      let half = Int(offset &>> 2) & 1
      return writeConfiguration(access, half: half, UInt32(truncatingIfNeeded: value)) & others
    case 192..<256: return writeRoute(offset, width, value) & others
    default: return 0
    }
  }

  /// The bank of SPIs that a register of the distributor is about: bytes of 2^`perByte` interrupts. Nil for SGIs and
  /// PPIs, which with affinity routing are the redistributors', and for SPIs that the VM does not have.
  @inline(__always) private func shared(_ offset: UInt64, _ perByte: UInt64, by vcpu: Int) -> BankAccess? {
    let blockMask: UInt64 = perByte == 0 ? 0x3ff : perByte == 3 ? 0xff : 0x7f
    // Interrupts a byte: 1 with priorities, 4 with configuration, 8 with single bits.
    let shift: UInt64 = perByte == 0 ? 5 : perByte == 3 ? 3 : 2
    let bank = Int((offset & blockMask) &>> shift)
    guard bank > 0, bank <= sharedBankCount else { return nil }
    return access(toBank: bank, redistributor: vcpu, by: vcpu)
  }

  /// Bank 0 is the SGIs and PPIs of `redistributor`, 1 and up the SPIs there are.
  @inline(__always) func access(toBank bank: Int, redistributor: Int, by vcpu: Int) -> BankAccess {
    bank == 0
      ? BankAccess(bank: privateBank(redistributor), owner: redistributor, index: 0, vcpu: vcpu)
      : BankAccess(bank: sharedBank(bank &- 1), owner: nil, index: bank &- 1, vcpu: vcpu)
  }

  @inline(__always) private func readDistributorControl(_ offset: UInt64) -> UInt32 {
    switch offset {
    case 0x00:  // GICD_CTLR: DS [6], ARE [4], EnableGrp1 [1], EnableGrp0 [0]; writes take effect at once, RWP [31] is 0
      return 0x50 | groupEnables.load(ordering: .relaxed)
    case 0x04:  // GICD_TYPER: No1N [25], IDbits [23:19] 10 bits, ITLinesNumber [4:0]
      return 1 &<< 25 | 9 &<< 19 | UInt32(truncatingIfNeeded: sharedBankCount)
    case 0x08: return Self.implementer
    default: return 0
    }
  }

  private func writeDistributorControl(_ value: UInt32) -> UInt64 {
    let old = groupEnables.exchange(value & 0b11, ordering: .sequentiallyConsistent)
    guard old != value & 0b11 else { return 0 }
    var notified: UInt64 = 0
    for vcpu in 0..<vcpuCount { notified |= flag(vcpu, VirtualGICCPU.Attention.rebuild) }
    return notified
  }

  /// GICD_IROUTER<n>: 64 bits, or either half.
  private func readRoute(_ offset: UInt64, _ width: AccessWidth) -> UInt64 {
    guard let spi = routedSPI(offset) else { return 0 }
    switch width {
    case .doubleword: return route(spi)
    case .word: return (route(spi) &>> ((offset & 4) &* 8)) & 0xffff_ffff
    default: return 0
    }
  }

  private func writeRoute(_ offset: UInt64, _ width: AccessWidth, _ value: UInt64) -> UInt64 {
    guard let spi = routedSPI(offset), width == .doubleword || width == .word else { return 0 }
    let shift = width == .word ? (offset & 4) &* 8 : 0
    guard replaceRoute(spi, width.mask &<< shift, by: (value & width.mask) &<< shift) else { return 0 }
    let bit = UInt32(1) &<< UInt32(truncatingIfNeeded: spi & 31)
    var notified = announceChange(shared: spi &>> 5, bit)
    if pending(sharedBank(spi &>> 5)) & bit != 0 { notified |= announcePending(shared: spi &>> 5, bit) }
    return notified
  }

  private func routedSPI(_ offset: UInt64) -> Int? {
    let interrupt = Int((offset &- 0x6000) &>> 3)
    let isThere = interrupt >= Self.firstShared && interrupt < Self.firstShared &+ sharedBankCount &* 32
    return isThere ? interrupt &- Self.firstShared : nil
  }

  // MARK: - Redistributor

  /// `offset` is from the start of the redistributors; each vCPU has `redistributorByteCount` of it.
  @inline(__always) func readRedistributor(
    _ offset: UInt64, _ width: AccessWidth, by vcpu: Int, on file: some ListRegisterFile,
    notified: inout UInt64
  ) -> UInt64 {
    let frame = offset / Self.redistributorByteCount
    guard frame < UInt64(truncatingIfNeeded: vcpuCount), offset & (width.byteCount &- 1) == 0 else { return 0 }
    let place = offset % Self.redistributorByteCount
    let owner = Int(truncatingIfNeeded: frame)
    guard place >= 0x1_0000 else { return readControlFrame(place, width, of: owner) }
    return readRedistributorBank(place, width, of: owner, by: vcpu, on: file, notified: &notified)
  }

  /// The SGI frame of `owner`.
  @inline(never) private func readRedistributorBank(
    _ place: UInt64, _ width: AccessWidth, of owner: Int, by vcpu: Int, on file: some ListRegisterFile,
    notified: inout UInt64
  ) -> UInt64 {
    let access = access(toBank: 0, redistributor: owner, by: vcpu)
    switch place &- 0x1_0000 {
    case 0x80..<0x400:
      guard width == .word, place & 0x7f == 0, let register = BitRegister(rawValue: (place & 0xffff) &>> 7) else {
        return 0
      }
      return UInt64(readBits(register, access, on: file, &notified))
    case 0x400..<0x420: return readPriorities(access, first: Int(place & 0x1f), width)
    case 0xc00, 0xc04: return width == .word ? UInt64(readConfiguration(access, half: Int(place &>> 2) & 1)) : 0
    default: return 0
    }
  }

  @inline(never) func writeRedistributor(_ offset: UInt64, _ width: AccessWidth, _ value: UInt64, by vcpu: Int)
    -> UInt64
  {
    let frame = offset / Self.redistributorByteCount
    guard frame < UInt64(vcpuCount), offset & (width.byteCount &- 1) == 0 else { return 0 }
    let place = offset % Self.redistributorByteCount
    let others = ~(UInt64(1) &<< UInt64(vcpu))
    guard place >= 0x1_0000 else {
      // GICR_WAKER: ProcessorSleep [1].
      if place == 0x14, width == .word { self[Int(frame)].isAsleep.store(value & 0b10 != 0, ordering: .relaxed) }
      return 0
    }
    let access = access(toBank: 0, redistributor: Int(frame), by: vcpu)
    switch place &- 0x1_0000 {
    case 0x80..<0x400:
      guard width == .word, place & 0x7f == 0, let register = BitRegister(rawValue: (place & 0xffff) &>> 7) else {
        return 0
      }
      return writeBits(register, access, UInt32(truncatingIfNeeded: value)) & others
    case 0x400..<0x420: return writePriorities(access, first: Int(place & 0x1f), width, value) & others
    default: return 0
    }
  }

  /// RD_base, the first 64 KiB.
  @inline(__always) private func readControlFrame(_ offset: UInt64, _ width: AccessWidth, of vcpu: Int) -> UInt64 {
    if offset == 0x08 { return width.byteCount >= 4 ? redistributorType(vcpu) & width.mask : 0 }
    return width == .word ? readControlWord(offset, of: vcpu) : 0
  }

  @inline(never) private func readControlWord(_ offset: UInt64, of vcpu: Int) -> UInt64 {
    switch offset {
    case 0x04: return UInt64(Self.implementer)
    case 0x0c: return redistributorType(vcpu) &>> 32
    case 0x14:  // GICR_WAKER: ChildrenAsleep [2] follows ProcessorSleep [1]
      return self[vcpu].isAsleep.load(ordering: .relaxed) ? 0b110 : 0
    case 0xff80...: return UInt64(Self.identification(offset, part: 0x93))
    default: return 0
    }
  }

  /// GICR_TYPER: the affinity [63:32], the vCPU's number [23:8], whether it is the last [4].
  private func redistributorType(_ vcpu: Int) -> UInt64 {
    UInt64(VCPUAffinity(index: vcpu).packed) &<< 32 | UInt64(truncatingIfNeeded: vcpu) &<< 8
      | (vcpu == vcpuCount &- 1 ? 1 &<< 4 : 0)
  }

  // MARK: - Identification

  /// GICD_IIDR and GICR_IIDR: Arm, no product.
  private static let implementer: UInt32 = 0x43b

  /// PIDR and CIDR at 0xffd0…0xffff; `part` is the lower half of the part number. ArchRev [7:4] of PIDR2 is 3: GICv3.
  private static func identification(_ offset: UInt64, part: UInt32) -> UInt32 {
    switch offset {
    case 0xffd0: 0x44  // PIDR4: 64 KiB, Arm
    case 0xffe0: part  // PIDR0
    case 0xffe4: 0xb4  // PIDR1
    case 0xffe8: 0x3b  // PIDR2
    case 0xfff0: 0x0d  // CIDR0
    case 0xfff4: 0xf0  // CIDR1
    case 0xfff8: 0x05  // CIDR2
    case 0xfffc: 0xb1  // CIDR3
    default: 0
    }
  }
}
