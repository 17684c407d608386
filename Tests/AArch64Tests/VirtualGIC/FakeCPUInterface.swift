@testable import AArch64

/// A GICv3 virtual CPU interface as the architecture describes it (IHI 0069, 6.2 and 12.4), with what a guest does
/// to it: acknowledge, end, deactivate.
final class FakeCPUInterface: ListRegisterFile {
  let count: Int
  private(set) var listRegisters = [UInt64](repeating: 0, count: 16)
  private var hcr: UInt64 = 0
  private var vmcrValue: UInt64 = 0
  private var ap0 = [UInt64](repeating: 0, count: 4)
  private var ap1 = [UInt64](repeating: 0, count: 4)
  /// List registers written since the last reset of the count.
  var writeCount = 0
  /// Physical interrupts that the guest's deactivation ended.
  var deactivated: [UInt64] = []

  init(count: Int) { self.count = count }

  var empty: UInt32 {
    var mask: UInt32 = 0
    for index in 0..<count {
      let register = ICH_LR_EL2(rawValue: listRegisters[index])
      let asks = !register.isLinked && register.rawValue & ICH_LR_EL2.eoi.mask != 0
      if !register.isInUse, !asks { mask |= 1 << UInt32(index) }
    }
    return mask
  }

  func listRegister(_ index: Int) -> UInt64 {
    precondition(index < count)
    return listRegisters[index]
  }

  func setListRegister(_ index: Int, to value: UInt64) {
    precondition(index < count)
    let register = ICH_LR_EL2(rawValue: value)
    precondition(!(register.isLinked && register.isPending && register.isActive), "unpredictable: IHI 0069, 6.2")
    listRegisters[index] = value
    writeCount += 1
  }

  var control: UInt64 {
    get { hcr }
    set { hcr = newValue }
  }

  var vmcr: UInt64 {
    get { vmcrValue }
    set { vmcrValue = newValue }
  }

  func activePriorities0(_ index: Int) -> UInt64 { ap0[index] }
  func activePriorities1(_ index: Int) -> UInt64 { ap1[index] }
  func setActivePriorities0(_ index: Int, to value: UInt64) { ap0[index] = value }
  func setActivePriorities1(_ index: Int, to value: UInt64) { ap1[index] = value }

  // MARK: - The guest's side

  /// What the guest's boot code does: both groups on, every priority let through.
  func open(eoiMode: UInt64 = 0) {
    vmcrValue =
      ICH_VMCR_EL2.veng0.mask | ICH_VMCR_EL2.veng1.mask | ICH_VMCR_EL2.vpmr.placed(0xf8)
      | ICH_VMCR_EL2.veoim.placed(eoiMode) | ICH_VMCR_EL2.vbpr0.placed(2) | ICH_VMCR_EL2.vbpr1.placed(3)
  }

  var runningPriority: UInt64 {
    let bits = ap0[0] | ap1[0]
    return bits == 0 ? 0x100 : UInt64(bits.trailingZeroBitCount) << 3
  }

  private func isEnabled(_ register: ICH_LR_EL2) -> Bool {
    let field = ICH_LR_EL2.group.value(in: register.rawValue) == 1 ? ICH_VMCR_EL2.veng1 : ICH_VMCR_EL2.veng0
    return vmcrValue & field.mask != 0
  }

  /// The list register that would be acknowledged.
  private var signalled: Int? {
    guard hcr & ICH_HCR_EL2.en.rawValue != 0 else { return nil }
    let inUse = listRegisters[..<count].map(ICH_LR_EL2.init(rawValue:)).filter(\.isInUse).map(\.interrupt)
    precondition(Set(inUse).count == inUse.count, "unpredictable: one interrupt in two list registers")
    let pending = (0..<count).filter {
      let register = ICH_LR_EL2(rawValue: listRegisters[$0])
      return register.isPending && !register.isActive && isEnabled(register)
    }
    let best = pending.min {
      ICH_LR_EL2.priority.value(in: listRegisters[$0]) < ICH_LR_EL2.priority.value(in: listRegisters[$1])
    }
    guard let best else { return nil }
    let priority = ICH_LR_EL2.priority.value(in: listRegisters[best])
    return priority < ICH_VMCR_EL2.vpmr.value(in: vmcrValue) && priority & 0xf8 < runningPriority ? best : nil
  }

  var isSignalling: Bool { signalled != nil }

  /// ICV_IAR0_EL1 or ICV_IAR1_EL1, whichever fits; nil where there is nothing to acknowledge.
  func acknowledge() -> Int? {
    guard let index = signalled else { return nil }
    let register = ICH_LR_EL2(rawValue: listRegisters[index])
    let level = UInt64(1) << (ICH_LR_EL2.priority.value(in: register.rawValue) >> 3)
    if ICH_LR_EL2.group.value(in: register.rawValue) == 1 { ap1[0] |= level } else { ap0[0] |= level }
    listRegisters[index] = (register.rawValue & ~ICH_LR_EL2.pending) | ICH_LR_EL2.active
    return register.interrupt
  }

  private var splitsEOI: Bool { ICH_VMCR_EL2.veoim.value(in: vmcrValue) == 1 }

  /// ICV_EOIR<n>_EL1.
  func end(_ interrupt: Int) {
    let isDropped = ap0[0] | ap1[0] != 0
    if isDropped {
      let level = UInt64(1) << UInt64((ap0[0] | ap1[0]).trailingZeroBitCount)
      if ap0[0] & level != 0 { ap0[0] &= ~level } else { ap1[0] &= ~level }
    }
    if !splitsEOI { deactivateListed(interrupt, countsMiss: isDropped) }
  }

  /// ICV_DIR_EL1; true where it traps.
  func deactivate(_ interrupt: Int) -> Bool {
    if hcr & ICH_HCR_EL2.tdir.rawValue != 0 { return true }
    deactivateListed(interrupt, countsMiss: true)
    return false
  }

  private func deactivateListed(_ interrupt: Int, countsMiss: Bool) {
    for index in 0..<count {
      let register = ICH_LR_EL2(rawValue: listRegisters[index])
      guard register.isActive, register.interrupt == interrupt else { continue }
      listRegisters[index] &= ~ICH_LR_EL2.active
      if register.isLinked { deactivated.append(ICH_LR_EL2.pintid.value(in: register.rawValue)) }
      return
    }
    if countsMiss {
      hcr = ICH_HCR_EL2.eoicount.replaced(in: hcr, by: ICH_HCR_EL2.eoicount.value(in: hcr) &+ 1)
    }
  }

  /// ICH_MISR_EL2: not zero is a maintenance interrupt.
  var maintenance: ICH_MISR_EL2 {
    let control = ICH_HCR_EL2(rawValue: hcr)
    guard control.contains(.en) else { return [] }
    let registers = (0..<count).map { ICH_LR_EL2(rawValue: listRegisters[$0]) }
    var status: ICH_MISR_EL2 = []
    if registers.contains(where: { !$0.isInUse && !$0.isLinked && $0.rawValue & ICH_LR_EL2.eoi.mask != 0 }) {
      status.insert(.eoi)
    }
    if control.contains(.npie), !registers.contains(where: { $0.isPending && !$0.isActive }) { status.insert(.np) }
    if control.contains(.lrenpie), ICH_HCR_EL2.eoicount.value(in: hcr) != 0 { status.insert(.lrenp) }
    if control.contains(.vgrp0eie), vmcrValue & ICH_VMCR_EL2.veng0.mask != 0 { status.insert(.vgrp0e) }
    if control.contains(.vgrp1eie), vmcrValue & ICH_VMCR_EL2.veng1.mask != 0 { status.insert(.vgrp1e) }
    if control.contains(.vgrp0die), vmcrValue & ICH_VMCR_EL2.veng0.mask == 0 { status.insert(.vgrp0d) }
    if control.contains(.vgrp1die), vmcrValue & ICH_VMCR_EL2.veng1.mask == 0 { status.insert(.vgrp1d) }
    return status
  }
}

/// A seeded generator, so that a failure can be run again (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}
