import Testing
import Virtualization

@testable import AArch64

/// Random devices and guests, every interrupt held against the model: delivered exactly when the architecture says
/// so, none lost, none twice.
@Suite struct VirtualGICPropertyTests {
  struct Setting: CustomTestStringConvertible {
    let seed: UInt64
    let listRegisters: Int
    let eoiMode: UInt64
    var testDescription: String { "seed \(seed), \(listRegisters) list registers, EOImode \(eoiMode)" }
  }

  @Test(arguments: [
    Setting(seed: 1, listRegisters: 4, eoiMode: 0), Setting(seed: 2, listRegisters: 1, eoiMode: 0),
    Setting(seed: 3, listRegisters: 2, eoiMode: 0), Setting(seed: 4, listRegisters: 16, eoiMode: 0),
    Setting(seed: 5, listRegisters: 4, eoiMode: 1), Setting(seed: 6, listRegisters: 1, eoiMode: 1),
    Setting(seed: 9, listRegisters: 16, eoiMode: 1), Setting(seed: 7, listRegisters: 2, eoiMode: 1),
    Setting(seed: 8, listRegisters: 3, eoiMode: 0),
  ])
  func everyInterruptIsDeliveredAsTheArchitectureSays(setting: Setting) {
    var run = Run(setting)
    for step in 0..<10_000 where !run.hasFailed { run.step(step) }
    #expect(run.deliveredCount > 200)
  }
}

/// One run: the machine, the model, and what has happened.
private struct Run {
  let machine: GICMachine
  var model = GICModel(vcpus: 3, spis: 64)
  var random: SeededGenerator
  let splitsEOI: Bool
  let setsActive: Bool
  var deliveredCount = 0
  var hasFailed = false

  init(_ setting: VirtualGICPropertyTests.Setting) {
    machine = GICMachine(vcpus: 3, spis: 64, listRegisters: setting.listRegisters)
    random = SeededGenerator(seed: setting.seed)
    splitsEOI = setting.eoiMode == 1
    // With more active interrupts than list registers an end of interrupt does not say which one it ends. Interrupts
    // that nest end in order; ones made active by register have no order.
    setsActive = splitsEOI || setting.listRegisters == 16
    machine.write(0, 0b11)
    for vcpu in 0..<3 { machine.interfaces[vcpu].open(eoiMode: setting.eoiMode) }
    for spi in 0..<64 { model.shared[spi].target = 0 }
    machine.settle()
  }

  mutating func pick(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

  /// An interrupt out of few, so that they meet often.
  mutating func pickInterrupt() -> Int {
    switch pick(4) {
    case 0: pick(4)
    case 1: 26 + pick(6)
    default: 32 + pick(3) * 20 + pick(4)
    }
  }

  mutating func step(_ step: Int) {
    let vcpu = pick(3)
    let idle = (0..<3).filter { other in !machine.gic { $0.needsAttention(other) } }
    let kind = pick(20)
    let notified = act(kind, by: vcpu)
    for other in idle where other != vcpu {
      let looks = machine.gic { $0.needsAttention(other) }
      check(!looks || notified & (1 << UInt64(other)) != 0, "vCPU \(other) is not told", step)
    }
    machine.settle()
    for other in 0..<3 { checkTimer(other, step) }
    for other in 0..<3 { checkSignal(other, step) }
    if pick(3) == 0 { checkState(vcpu, step) }
  }

  mutating func check(_ condition: Bool, _ what: @autoclosure () -> String, _ step: Int) {
    guard !condition, !hasFailed else { return }
    hasFailed = true
    Issue.record("step \(step): \(what())")
  }

  // MARK: - Held against the model

  mutating func checkTimer(_ vcpu: Int, _ step: Int) {
    if !machine.interfaces[vcpu].deactivated.isEmpty {
      machine.interfaces[vcpu].deactivated = []
      check(!model.cpus[vcpu].isTimerLinked, "vCPU \(vcpu): the physical timer interrupt was ended", step)
    }
    let isLinked = machine.gic { $0.isTimerLinked(vcpu, on: machine.interfaces[vcpu]) }
    check(isLinked == model.cpus[vcpu].isTimerLinked, "vCPU \(vcpu): timer linked \(isLinked)", step)
  }

  mutating func checkSignal(_ vcpu: Int, _ step: Int) {
    let expected = model.candidates(vcpu)
    let isSignalling = machine.interfaces[vcpu].isSignalling
    check(isSignalling == !expected.isEmpty, "vCPU \(vcpu): signalling \(isSignalling), expected \(expected)", step)
    let isDeliverable = machine.gic { $0.hasDeliverable(vcpu, on: machine.interfaces[vcpu]) }
    check(isDeliverable == isSignalling, "vCPU \(vcpu): deliverable \(isDeliverable)", step)
  }

  /// The pending and active registers as the vCPU reads them; of SPIs only those that are not another's.
  mutating func checkState(_ vcpu: Int, _ step: Int) {
    for bank in 0..<3 {
      let place = UInt64(bank * 4)
      let pending =
        bank == 0 ? machine.readPrivate(vcpu, 0x200) : machine.read(0x200 + place, by: vcpu)
      let active = bank == 0 ? machine.readPrivate(vcpu, 0x300) : machine.read(0x300 + place, by: vcpu)
      for number in bank * 32..<bank * 32 + 32 {
        let holder: Int? = number < 32 ? vcpu : machine.gic { $0.holder(number - 32) }
        guard holder == vcpu else { continue }
        let bit = UInt64(1) << UInt64(number % 32)
        check((pending & bit != 0) == model.isPending(number, vcpu), "\(number) pending on \(vcpu)", step)
        check((active & bit != 0) == model[number, vcpu].isActive, "\(number) active on \(vcpu)", step)
      }
    }
    machine.settle()
  }

  // MARK: - What happens

  mutating func act(_ kind: Int, by vcpu: Int) -> UInt64 {
    switch kind {
    case 0, 1, 2: acknowledge(vcpu)
    case 3, 4, 5, 6: endOrDeactivate(vcpu)
    case 7, 8, 9: changeLine()
    case 10: sendSGI(vcpu)
    case 11, 12: enableOrDisable(vcpu)
    case 13: changePending(vcpu)
    case 14: changePriorityOrGroup(vcpu)
    case 15: changeRouteOrTrigger(vcpu)
    case 16: changeInterface(vcpu)
    case 17: raiseTimer(vcpu)
    case 18: moveVCPU(vcpu)
    default: changeActive(vcpu)
    }
  }

  mutating func acknowledge(_ vcpu: Int) -> UInt64 {
    let expected = model.candidates(vcpu)
    guard let interrupt = machine.interfaces[vcpu].acknowledge() else { return 0 }
    check(expected.contains(interrupt), "\(interrupt) on \(vcpu), expected \(expected)", -1)
    model.acknowledge(interrupt, on: vcpu)
    deliveredCount += 1
    return 0
  }

  mutating func endOrDeactivate(_ vcpu: Int) -> UInt64 {
    if !model.cpus[vcpu].dropped.isEmpty, pick(3) != 0 {
      let interrupt = model.cpus[vcpu].dropped.remove(at: pick(model.cpus[vcpu].dropped.count))
      model.deactivate(interrupt, on: vcpu)
      guard machine.interfaces[vcpu].deactivate(interrupt) else { return 0 }
      return machine.gic { $0.deactivate(UInt64(interrupt), vcpu: vcpu) }
    }
    guard !model.cpus[vcpu].begun.isEmpty else { return 0 }
    let interrupt = model.drop(on: vcpu)
    machine.interfaces[vcpu].end(interrupt)
    if splitsEOI { model.cpus[vcpu].dropped.append(interrupt) } else { model.deactivate(interrupt, on: vcpu) }
    return 0
  }

  mutating func changeLine() -> UInt64 {
    let interrupt = pickInterrupt()
    let isAsserted = pick(2) == 0
    guard interrupt >= 16, interrupt != 27 else { return 0 }
    let vcpu = pick(3)
    if isAsserted, !model[interrupt, vcpu].line, model[interrupt, vcpu].isEdge { model[interrupt, vcpu].latch = true }
    model[interrupt, vcpu].line = isAsserted
    return interrupt < 32
      ? machine.gic { $0.setPrivateLine(interrupt, isAsserted: isAsserted, vcpu: vcpu) }
      : machine.set(interrupt - 32, isAsserted)
  }

  mutating func sendSGI(_ vcpu: Int) -> UInt64 {
    let interrupt = pick(4)
    let list = UInt64(pick(8))
    let isBroadcast = pick(4) == 0
    let group: VirtualGIC.SGIGroup = pick(4) == 0 ? .group0 : .group1
    for target in 0..<3 where isBroadcast ? target != vcpu : list & (1 << UInt64(target)) != 0 {
      if model[interrupt, target].isGroup1 == (group == .group1) { model[interrupt, target].latch = true }
    }
    let value = UInt64(interrupt) << 24 | (isBroadcast ? 1 << 40 : list)
    return machine.gic { $0.sendSGI(ICC_SGI1R_EL1(rawValue: value), group, from: vcpu) }
  }

  /// Writes `bit` of a register with one bit an interrupt; private ones of any vCPU.
  mutating func writeBit(_ base: UInt64, _ interrupt: Int, _ owner: Int, by vcpu: Int) -> UInt64 {
    let bit = UInt64(1) << UInt64(interrupt % 32)
    return interrupt < 32
      ? machine.writePrivate(owner, base, bit, by: vcpu)
      : machine.write(base + UInt64(interrupt / 32 * 4), bit, by: vcpu)
  }

  mutating func enableOrDisable(_ vcpu: Int) -> UInt64 {
    let interrupt = pickInterrupt()
    let owner = pick(3)
    let isEnabled = pick(4) != 0
    model[interrupt, owner].isEnabled = isEnabled
    return writeBit(isEnabled ? 0x100 : 0x180, interrupt, owner, by: vcpu)
  }

  mutating func changePending(_ vcpu: Int) -> UInt64 {
    let interrupt = pickInterrupt()
    let owner = pick(3)
    let isPending = pick(2) == 0
    model[interrupt, owner].latch = isPending
    return writeBit(isPending ? 0x200 : 0x280, interrupt, owner, by: vcpu)
  }

  mutating func changePriorityOrGroup(_ vcpu: Int) -> UInt64 {
    let interrupt = pickInterrupt()
    let owner = pick(3)
    // What is running keeps its priority in the interface, and the model does not.
    guard !model[interrupt, owner].isActive else { return 0 }
    if pick(2) == 0 {
      let priority = UInt64(pick(6) * 0x20)
      model[interrupt, owner].priority = priority
      return interrupt < 32
        ? machine.writePrivate(owner, 0x400 + UInt64(interrupt), priority | 7, .byte, by: vcpu)
        : machine.write(0x400 + UInt64(interrupt), priority | 7, .byte, by: vcpu)
    }
    let isGroup1 = pick(3) != 0
    model[interrupt, owner].isGroup1 = isGroup1
    let bit = UInt64(1) << UInt64(interrupt % 32)
    let place = 0x80 + UInt64(interrupt / 32 * 4)
    let old = interrupt < 32 ? machine.readPrivate(owner, 0x80) : machine.read(place)
    let new = isGroup1 ? old | bit : old & ~bit
    return interrupt < 32 ? machine.writePrivate(owner, 0x80, new, by: vcpu) : machine.write(place, new, by: vcpu)
  }

  mutating func changeRouteOrTrigger(_ vcpu: Int) -> UInt64 {
    let interrupt = 32 + pick(3) * 20 + pick(4)
    if pick(2) == 0 {
      let target = pick(4)
      model[interrupt, 0].target = target < 3 ? target : nil
      return machine.write(0x6000 + UInt64(interrupt) * 8, UInt64(target), .doubleword, by: vcpu)
    }
    let isEdge = pick(2) == 0
    model[interrupt, 0].isEdge = isEdge
    let place = 0xc00 + UInt64(interrupt / 16 * 4)
    let bit = UInt64(0b10) << UInt64(interrupt % 16 * 2)
    let old = machine.read(place)
    return machine.write(place, isEdge ? old | bit : old & ~bit, by: vcpu)
  }

  mutating func changeInterface(_ vcpu: Int) -> UInt64 {
    let interface = machine.interfaces[vcpu]
    switch pick(6) {
    case 0:
      model.cpus[vcpu].isGroup0On.toggle()
      interface.vmcr ^= ICH_VMCR_EL2.veng0.mask
    case 1:
      model.cpus[vcpu].isGroup1On.toggle()
      interface.vmcr ^= ICH_VMCR_EL2.veng1.mask
    case 2:
      let enables = UInt64(pick(8) == 0 ? pick(4) : 3)
      model.isGroup0On = enables & 1 != 0
      model.isGroup1On = enables & 2 != 0
      return machine.write(0, enables, by: vcpu)
    default:
      let mask = UInt64(pick(3) == 0 ? 0x60 : 0xf8)
      model.cpus[vcpu].priorityMask = mask
      interface.vmcr = ICH_VMCR_EL2.vpmr.replaced(in: interface.vmcr, by: mask)
    }
    return 0
  }

  mutating func raiseTimer(_ vcpu: Int) -> UInt64 {
    guard !model.cpus[vcpu].isTimerLinked else { return 0 }
    model.cpus[vcpu].isTimerLinked = true
    model.cpus[vcpu].isTimerDue = true
    machine.gic { $0.raiseLinkedTimer(vcpu, on: machine.interfaces[vcpu]) }
    return 0
  }

  /// The vCPU leaves its CPU, and comes back.
  mutating func moveVCPU(_ vcpu: Int) -> UInt64 {
    let interface = machine.interfaces[vcpu]
    machine.gic { $0.save(vcpu, from: interface) }
    check(interface.empty == (1 << UInt32(interface.count)) - 1, "a list register is left behind", -1)
    machine.gic { $0.load(vcpu, to: interface) }
    return 0
  }

  /// Sets the active state of what is idle, or clears it where a guest set it.
  mutating func changeActive(_ vcpu: Int) -> UInt64 {
    let interrupt = pickInterrupt()
    let owner = pick(3)
    let isBegun = (0..<3).contains {
      (interrupt >= 32 || $0 == owner)
        && (model.cpus[$0].begun.contains(interrupt) || model.cpus[$0].dropped.contains(interrupt))
    }
    guard !isBegun, setsActive else { return 0 }
    let isActive = pick(2) == 0
    if isActive { model[interrupt, owner].isActive = true } else { model.deactivate(interrupt, on: owner) }
    return writeBit(isActive ? 0x300 : 0x380, interrupt, owner, by: vcpu)
  }
}
