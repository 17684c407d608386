import CGuestRISCV64
import GuestKit
import Synchronization

/// A fault that was expected, from the registers of the first trap.
struct Fault {
  let cause: Cause
  let address: UInt64
  let count: Int
}

/// What came of something that may fault.
enum Answer {
  case value(UInt64)
  case fault(Fault)
}

/// The answers that the architecture allows.
struct Allowed: OptionSet {
  let rawValue: Int
  static let value = Self(rawValue: 1 << 0)
  /// Load, store or AMO access fault.
  static let accessFault = Self(rawValue: 1 << 1)
  static let misaligned = Self(rawValue: 1 << 2)
  /// Load, store or AMO page fault.
  static let pageFault = Self(rawValue: 1 << 3)
  static let instructionAccessFault = Self(rawValue: 1 << 4)
  static let instructionPageFault = Self(rawValue: 1 << 5)
  static let illegalInstruction = Self(rawValue: 1 << 6)

  /// What an access of a device or of nothing may give.
  static let deviceAccess: Self = [.value, .accessFault, .misaligned]
  /// What a fetch from where no memory is may give.
  static let fetch: Self = [.instructionAccessFault, .illegalInstruction]

  func contains(_ answer: Answer) -> Bool {
    switch answer {
    case .value: contains(.value)
    case .fault(let fault): contains(Self.kind(of: fault.cause))
    }
  }

  private static func kind(of cause: Cause) -> Self {
    switch cause.rawValue {
    case Cause.loadAccessFault, Cause.storeAccessFault: .accessFault
    case Cause.loadMisaligned, Cause.storeMisaligned: .misaligned
    case Cause.loadPageFault, Cause.storePageFault: .pageFault
    case Cause.instructionAccessFault: .instructionAccessFault
    case Cause.instructionPageFault: .instructionPageFault
    case Cause.illegalInstruction: .illegalInstruction
    default: []
    }
  }
}

extension RISCV64Machine {
  /// Does what may fault, on the current CPU, with the vectors told to expect that.
  func attempt(_ body: () -> UInt64) -> Answer {
    let me = currentCPU
    cpus[me].faultCount.store(0, ordering: .relaxed)
    cpus[me].expectsFaults.store(true, ordering: .relaxed)
    let value = body()
    guest_fence()
    cpus[me].expectsFaults.store(false, ordering: .relaxed)
    let count = cpus[me].faultCount.load(ordering: .relaxed)
    guard count > 0 else { return .value(value) }
    return .fault(
      Fault(
        cause: Cause(rawValue: cpus[me].faultSyndrome.load(ordering: .relaxed)),
        address: cpus[me].faultAddress.load(ordering: .relaxed), count: count))
  }
}

extension Verdict {
  /// Attempts, and says what came of it on one line.
  @discardableResult
  mutating func probe(
    _ name: StaticString, _ subject: UInt64, allowed: Allowed, _ body: () -> UInt64
  ) -> Answer {
    let answer = machine.attempt(body)
    check(allowed.contains(answer)) { line in line.probe(name, subject, answer) }
    return answer
  }

  /// As `probe`, but without a line unless the answer is not allowed.
  @discardableResult
  mutating func probeSilently(
    _ name: StaticString, _ subject: UInt64, allowed: Allowed, _ body: () -> UInt64
  ) -> Answer {
    let answer = machine.attempt(body)
    checkSilently(allowed.contains(answer)) { line in line.probe(name, subject, answer) }
    return answer
  }
}

extension Line {
  mutating func probe(_ name: StaticString, _ subject: UInt64, _ answer: Answer) {
    text(name)
    text(" ")
    hex(subject)
    switch answer {
    case .value(let value):
      text(": value ")
      hex(value)
    case .fault(let fault):
      text(": fault cause ")
      decimal(fault.cause.rawValue)
      text(" stval ")
      hex(fault.address)
    }
  }
}

/// Answers of a sweep, counted.
struct Tally {
  private(set) var values = 0
  private(set) var faults = 0

  mutating func count(_ answer: Answer) {
    switch answer {
    case .value: values += 1
    case .fault: faults += 1
    }
  }

  func say(_ name: StaticString) {
    machine.say { line in
      line.text(name)
      line.text(": values ")
      line.decimal(values)
      line.text(", faults ")
      line.decimal(faults)
    }
  }
}
