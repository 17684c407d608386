import Testing

@testable import X86_64

/// AMD APM 2, chapter 16; Intel SDM 3A, chapter 10.
struct VirtualAPICTests {
  private func makeEnabled(_ mode: VirtualAPIC.Mode = .x2APIC, identifier: UInt32 = 0) -> VirtualAPIC {
    var apic = VirtualAPIC(identifier: identifier, isBootCPU: identifier == 0)
    apic.mode = mode
    _ = apic.write(0x0f, 0x1ff, now: 0)
    return apic
  }

  @Test func `an APIC that is off by software delivers nothing`() {
    let apic = VirtualAPIC(identifier: 0, isBootCPU: true)
    apic.accept(0x31)
    check(apic.deliverable == nil)
  }

  @Test func `the highest vector comes first, and nothing of its class or below while it is served`() {
    var apic = makeEnabled()
    apic.accept(0x31)
    apic.accept(0x45)
    check(apic.deliverable == 0x45)
    apic.acknowledge(0x45)
    check(apic.deliverable == nil)
    apic.accept(0x4f)
    check(apic.deliverable == nil)
    apic.accept(0x50)
    check(apic.deliverable == 0x50)
    check(apic.processorPriority == 0x40)
    check(apic.endOfInterrupt() == nil)
    check(apic.deliverable == 0x50)
  }

  @Test func `the task priority holds back its own class and below`() {
    var apic = makeEnabled()
    apic.accept(0x45)
    _ = apic.write(0x08, 0x40, now: 0)
    check(apic.deliverable == nil)
    check(apic.candidate == 0x45)
    _ = apic.write(0x08, 0x3f, now: 0)
    check(apic.deliverable == 0x45)
  }

  @Test func `the end of a level-triggered interrupt is told`() {
    var apic = makeEnabled()
    apic.accept(0x45, isLevel: true)
    apic.acknowledge(0x45)
    check(apic.write(0x0b, 0, now: 0) == .ended(0x45))
    apic.accept(0x45)
    apic.acknowledge(0x45)
    check(apic.write(0x0b, 0, now: 0) == VirtualAPIC.Effect.none)
  }

  @Test func `vectors below 16 are no interrupts`() {
    let apic = makeEnabled()
    apic.accept(15)
    check(apic.requests.highest == nil)
  }

  @Test func `a deadline fires once, at its time`() {
    var apic = makeEnabled()
    _ = apic.write(0x32, 2 << 17 | 0x30, now: 0)
    apic.timer.setDeadline(1000)
    check(apic.timerDeadline == 1000)
    apic.updateTimer(now: 999)
    check(apic.deliverable == nil)
    apic.updateTimer(now: 1000)
    check(apic.deliverable == 0x30)
    check(apic.timer.deadlineRegister == 0)
  }

  @Test func `a count runs down by its divider, and comes again where it is periodic`() {
    var apic = makeEnabled()
    _ = apic.write(0x3e, 0x3, now: 0)  // by 16
    _ = apic.write(0x32, 1 << 17 | 0x30, now: 0)
    _ = apic.write(0x38, 100, now: 5000)
    check(apic.read(0x39, now: 5800) == 50)
    apic.updateTimer(now: 6600)
    check(apic.deliverable == 0x30)
    check(apic.timerDeadline == 8200)
    // What was missed is missed.
    apic.updateTimer(now: 1_000_000)
    check(apic.timerDeadline == 1_001_600)
  }

  @Test func `one shot is one shot, and zero stops it`() {
    var apic = makeEnabled()
    _ = apic.write(0x3e, 0xb, now: 0)  // by 1
    _ = apic.write(0x32, 0x30, now: 0)
    _ = apic.write(0x38, 100, now: 0)
    apic.updateTimer(now: 100)
    check(apic.deliverable == 0x30)
    check(apic.timerDeadline == nil)
    _ = apic.write(0x38, 100, now: 200)
    _ = apic.write(0x38, 0, now: 250)
    check(apic.timerDeadline == nil)
  }

  @Test func `a masked timer raises nothing`() {
    var apic = makeEnabled()
    _ = apic.write(0x32, 2 << 17 | 1 << 16 | 0x30, now: 0)
    apic.timer.setDeadline(10)
    check(apic.timerDeadline == nil)
    apic.updateTimer(now: 20)
    check(apic.requests.highest == nil)
  }

  @Test func `commands are read by the mode's own layout`() {
    let wide = InterruptCommand(0x0000_0003_0000_4041, mode: .x2APIC)
    check(wide.vector == 0x41 && wide.destination == 3 && wide.kind == .fixed && wide.shorthand == .none)
    let narrow = InterruptCommand(0x0300_0000_000c_4641, mode: .xAPIC)
    check(narrow.destination == 3 && narrow.kind == .start && narrow.shorthand == .others)
    check(InterruptCommand(0x8500, mode: .xAPIC).isDeassert)
    check(!InterruptCommand(0xc500, mode: .xAPIC).isDeassert)
  }

  @Test func `destinations are physical, flat or in clusters`() {
    var apic = makeEnabled(.xAPIC, identifier: 2)
    check(apic.matches(2, isLogical: false, senderMode: .xAPIC))
    check(!apic.matches(1, isLogical: false, senderMode: .xAPIC))
    check(apic.matches(0xff, isLogical: false, senderMode: .xAPIC))
    _ = apic.write(0x0d, 0x0400_0000, now: 0)
    check(apic.matches(0x06, isLogical: true, senderMode: .xAPIC))
    check(!apic.matches(0x03, isLogical: true, senderMode: .xAPIC))
    _ = apic.write(0x0e, 0x0fff_ffff, now: 0)
    _ = apic.write(0x0d, 0x2400_0000, now: 0)
    check(apic.matches(0x24, isLogical: true, senderMode: .xAPIC))
    check(!apic.matches(0x14, isLogical: true, senderMode: .xAPIC))
    let wide = makeEnabled(.x2APIC, identifier: 0x12)
    check(wide.matches(0x0001_0004, isLogical: true, senderMode: .x2APIC))
    check(!wide.matches(0x0002_0004, isLogical: true, senderMode: .x2APIC))
    check(wide.matches(.max, isLogical: false, senderMode: .x2APIC))
  }

  @Test func `no number and value makes it trap`() {
    var apic = makeEnabled()
    var seed: UInt64 = 7
    for _ in 0..<100_000 {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let number = UInt32(truncatingIfNeeded: seed >> 40) & 0xff
      if seed & 1 << 20 == 0 { _ = apic.write(number, seed, now: seed >> 8) } else { _ = apic.read(number, now: seed) }
      if seed >> 62 == 0 { apic.mode = .xAPIC } else if seed >> 62 == 1 { apic.mode = .x2APIC }
      apic.updateTimer(now: seed)
      if let vector = apic.deliverable { apic.acknowledge(vector) }
    }
  }

  @Test func `signals are taken once, and a start keeps its page`() {
    let apic = makeEnabled()
    apic.signal(.nmi)
    apic.signal(.startPage(0x9a))
    check(apic.take(.start).page == 0x9a)
    check(apic.pendingSignals == .nmi)
    check(apic.take(.nmi) == .nmi)
    check(apic.pendingSignals == [])
  }
}

/// Intel 82093AA, 3.0.
struct VirtualIOAPICTests {
  private func write(_ apic: inout VirtualIOAPIC, _ register: UInt32, _ value: UInt32) -> VirtualIOAPIC.Message? {
    _ = apic.write(offset: 0, register)
    return apic.write(offset: 0x10, value)
  }

  @Test func `it says that it has 24 inputs, all masked`() {
    var apic = VirtualIOAPIC()
    _ = apic.write(offset: 0, 1)
    check(apic.read(offset: 0x10) == 0x0017_0011)
    check(apic.set(4, isAsserted: true) == nil)
  }

  @Test func `an edge is sent once for each rise`() {
    var apic = VirtualIOAPIC()
    check(write(&apic, 0x19, 0x0200_0000) == nil)
    check(write(&apic, 0x18, 0x41) == nil)
    let message = apic.set(4, isAsserted: true)
    check(message == .init(vector: 0x41, kind: 0, isLogical: false, isLevel: false, destination: 2))
    check(apic.set(4, isAsserted: true) == nil)
    check(apic.set(4, isAsserted: false) == nil)
    check(apic.set(4, isAsserted: true) != nil)
  }

  @Test func `a level is sent again at its end as long as it is up`() {
    var apic = VirtualIOAPIC()
    _ = write(&apic, 0x18, 0x8041)
    check(apic.set(4, isAsserted: true)?.isLevel == true)
    check(apic.set(4, isAsserted: true) == nil)
    check(apic.end(0x41) != nil)
    _ = apic.set(4, isAsserted: false)
    check(apic.end(0x41) == nil)
    check(apic.set(4, isAsserted: true) != nil)
  }

  @Test func `a level that was up while it was masked comes when it is unmasked`() {
    var apic = VirtualIOAPIC()
    _ = write(&apic, 0x18, 0x1_8041)
    check(apic.set(4, isAsserted: true) == nil)
    check(write(&apic, 0x18, 0x8041) != nil)
  }

  @Test func `no access makes it trap`() {
    var apic = VirtualIOAPIC()
    var seed: UInt64 = 3
    for _ in 0..<100_000 {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      _ = apic.write(offset: seed >> 60 & 1 == 0 ? 0 : 0x10, UInt32(truncatingIfNeeded: seed >> 20))
      _ = apic.read(offset: seed >> 50 & 0x1f)
      _ = apic.set(Int(seed >> 40 & 31), isAsserted: seed & 1 << 10 != 0)
      _ = apic.end(UInt8(truncatingIfNeeded: seed >> 30))
    }
  }
}

/// An expectation about what cannot be copied, or changes while it is asked.
private func check(_ condition: Bool, sourceLocation: SourceLocation = #_sourceLocation) {
  #expect(condition, sourceLocation: sourceLocation)
}
