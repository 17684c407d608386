/// The registers, by their number: the offset in xAPIC mode divided by 16, the MSR less 0x800 in x2APIC mode.
extension VirtualAPIC {
  private enum Number {
    static let identifier: UInt32 = 0x02
    static let version: UInt32 = 0x03
    static let taskPriority: UInt32 = 0x08
    static let processorPriority: UInt32 = 0x0a
    static let endOfInterrupt: UInt32 = 0x0b
    static let logicalDestination: UInt32 = 0x0d
    static let destinationFormat: UInt32 = 0x0e
    static let spurious: UInt32 = 0x0f
    static let inService: UInt32 = 0x10
    static let levels: UInt32 = 0x18
    static let requests: UInt32 = 0x20
    static let errorStatus: UInt32 = 0x28
    static let commandLow: UInt32 = 0x30
    static let commandHigh: UInt32 = 0x31
    static let timer: UInt32 = 0x32
    static let thermal: UInt32 = 0x33
    static let performance: UInt32 = 0x34
    static let firstPin: UInt32 = 0x35
    static let secondPin: UInt32 = 0x36
    static let error: UInt32 = 0x37
    static let initialCount: UInt32 = 0x38
    static let currentCount: UInt32 = 0x39
    static let divide: UInt32 = 0x3e
    static let selfInterrupt: UInt32 = 0x3f  // x2APIC alone
  }

  /// What a write asks of others.
  enum Effect: Equatable {
    case none
    /// An interrupt command, complete.
    case send(InterruptCommand)
    /// A level-triggered interrupt has ended.
    case ended(UInt8)
  }

  /// Six local vectors, so the highest is number 5; version 0x14 has x2APIC's registers.
  private static var version: UInt32 { 0x0005_0014 }

  /// Nil where there is no such register.
  func read(_ number: UInt32, now: UInt64) -> UInt64? {
    switch number {
    case Number.identifier: mode == .x2APIC ? UInt64(identifier) : UInt64(identifier) << 24
    case Number.version: UInt64(Self.version)
    case Number.taskPriority: UInt64(taskPriority)
    case Number.processorPriority: UInt64(processorPriority)
    case Number.logicalDestination:
      UInt64(mode == .x2APIC ? (identifier >> 4) << 16 | 1 << (identifier & 15) : logicalDestination)
    case Number.destinationFormat where mode != .x2APIC: UInt64(destinationFormat)
    case Number.spurious: UInt64(spurious)
    case Number.inService..<Number.inService + 8: UInt64(inService.register(number & 7))
    case Number.levels..<Number.levels + 8: UInt64(levels.register(number & 7))
    case Number.requests..<Number.requests + 8: UInt64(requests.register(number & 7))
    case Number.errorStatus: UInt64(errorStatus)
    case Number.commandLow: mode == .x2APIC ? command : command & 0xffff_ffff
    case Number.commandHigh where mode != .x2APIC: command >> 32
    case Number.timer: UInt64(localVectors.timer)
    case Number.thermal: UInt64(localVectors.thermal)
    case Number.performance: UInt64(localVectors.performance)
    case Number.firstPin: UInt64(localVectors.firstPin)
    case Number.secondPin: UInt64(localVectors.secondPin)
    case Number.error: UInt64(localVectors.error)
    case Number.initialCount: UInt64(timer.initialCount)
    case Number.currentCount: UInt64(timer.currentCount(now: now))
    case Number.divide: UInt64(timer.divideConfiguration)
    default: nil
    }
  }

  /// Nil where there is no such register to write.
  mutating func write(_ number: UInt32, _ value: UInt64, now: UInt64) -> Effect? {
    let word = UInt32(truncatingIfNeeded: value)
    switch number {
    case Number.taskPriority: taskPriority = word & 0xff
    case Number.endOfInterrupt: if let vector = endOfInterrupt() { return .ended(vector) }
    case Number.logicalDestination where mode != .x2APIC: logicalDestination = word & 0xff00_0000
    case Number.destinationFormat where mode != .x2APIC: destinationFormat = word | 0x0fff_ffff
    case Number.spurious: setSpurious(word)
    case Number.errorStatus:
      errorStatus = pendingErrors
      pendingErrors = 0
    case Number.commandLow:
      command = mode == .x2APIC ? value : command & 0xffff_ffff_0000_0000 | UInt64(word)
      command &= ~(1 << 12)  // delivered at once
      return .send(InterruptCommand(command, mode: mode))
    case Number.commandHigh where mode != .x2APIC: command = command & 0xffff_ffff | UInt64(word) << 32
    case Number.timer:
      localVectors.timer = lvt(word & 0x7_00ff)
      timer.setMode(APICTimer.Mode(rawValue: word >> 17 & 3) ?? .oneShot)
    case Number.thermal: localVectors.thermal = lvt(word & 0x1_07ff)
    case Number.performance: localVectors.performance = lvt(word & 0x1_07ff)
    case Number.firstPin: localVectors.firstPin = lvt(word & 0x1_a7ff)
    case Number.secondPin: localVectors.secondPin = lvt(word & 0x1_a7ff)
    case Number.error: localVectors.error = lvt(word & 0x1_00ff)
    case Number.initialCount: timer.setInitialCount(word, now: now)
    case Number.divide: timer.setDivide(word, now: now)
    case Number.selfInterrupt where mode == .x2APIC: accept(UInt8(truncatingIfNeeded: word))
    default: return nil
    }
    return Effect.none
  }

  /// While the APIC is off by software, all local vectors stay masked (APM 2, 16.3.3).
  private func lvt(_ value: UInt32) -> UInt32 { spurious & 0x100 == 0 ? value | LocalVectors.masked : value }

  private mutating func setSpurious(_ value: UInt32) {
    spurious = value & 0x1ff
    guard value & 0x100 == 0 else { return }
    localVectors.timer |= LocalVectors.masked
    localVectors.thermal |= LocalVectors.masked
    localVectors.performance |= LocalVectors.masked
    localVectors.firstPin |= LocalVectors.masked
    localVectors.secondPin |= LocalVectors.masked
    localVectors.error |= LocalVectors.masked
  }

  /// Lets the timer raise its interrupt where its time has come.
  mutating func updateTimer(now: UInt64) {
    guard timer.deadline != 0, timer.fire(now: now), localVectors.timer & LocalVectors.masked == 0 else { return }
    accept(UInt8(truncatingIfNeeded: localVectors.timer))
  }

  /// When the timer will next raise its interrupt, on the guest's TSC; nil for never.
  var timerDeadline: UInt64? {
    timer.deadline == 0 || localVectors.timer & LocalVectors.masked != 0 ? nil : timer.deadline
  }
}

/// The interrupt command register (AMD APM 2, 16.5).
struct InterruptCommand: Equatable {
  let vector: UInt8
  let kind: Kind
  let isLogical: Bool
  let shorthand: Shorthand
  let destination: UInt32
  /// INIT with the level bit clear, which only sets arbitration numbers.
  let isDeassert: Bool

  enum Kind: UInt8 {
    case fixed = 0
    case lowestPriority = 1
    case systemManagement = 2
    case nmi = 4
    case initialise = 5
    case start = 6
  }

  enum Shorthand: UInt8 {
    case none = 0
    case itself = 1
    case all = 2
    case others = 3
  }

  init(_ rawValue: UInt64, mode: VirtualAPIC.Mode) {
    vector = UInt8(truncatingIfNeeded: rawValue)
    // Reserved kinds do what system-management interrupts do: nothing.
    kind = Kind(rawValue: UInt8(truncatingIfNeeded: rawValue >> 8) & 7) ?? .systemManagement
    isLogical = rawValue & 1 << 11 != 0
    shorthand = Shorthand(rawValue: UInt8(truncatingIfNeeded: rawValue >> 18) & 3) ?? .none
    destination = UInt32(truncatingIfNeeded: mode == .x2APIC ? rawValue >> 32 : rawValue >> 56)
    isDeassert = rawValue & 1 << 15 != 0 && rawValue & 1 << 14 == 0
  }
}
