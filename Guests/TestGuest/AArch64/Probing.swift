import CGuestAArch64
import GuestKit
import Synchronization

/// A fault that was expected, from the registers of the first exception.
struct Fault {
  let syndrome: Syndrome
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
  /// Data abort with a status of external abort.
  static let dataAbort = Self(rawValue: 1 << 1)
  static let alignmentFault = Self(rawValue: 1 << 2)
  /// Data abort of a kind that stage 1 gives: translation, address size, permission.
  static let translationFault = Self(rawValue: 1 << 3)
  static let instructionAbort = Self(rawValue: 1 << 4)
  static let programCounterAlignment = Self(rawValue: 1 << 5)
  static let undefined = Self(rawValue: 1 << 6)
  /// A trap that the guest's own registers ask for (CPACR_EL1 and such).
  static let ownTrap = Self(rawValue: 1 << 7)

  /// What an access of a device or of nothing may give.
  static let deviceAccess: Self = [.value, .dataAbort, .alignmentFault, .undefined]

  func contains(_ answer: Answer) -> Bool {
    switch answer {
    case .value: contains(.value)
    case .fault(let fault): contains(Self.kind(of: fault.syndrome))
    }
  }

  private static func kind(of syndrome: Syndrome) -> Self {
    switch syndrome.exceptionClass {
    case .unknown: .undefined
    case .instructionAbort: .instructionAbort
    case .programCounterAlignment: .programCounterAlignment
    case .dataAbort:
      switch syndrome.rawFaultStatus {
      case 0x10, 0x14...0x17, 0x35: .dataAbort
      case 0x21: .alignmentFault
      default: .translationFault
      }
    case .floatingPoint, .systemRegister, .sve, .sme: .ownTrap
    default: []
    }
  }
}

extension AArch64Machine {
  /// Does what may fault, on the current CPU, with the vectors told to expect that.
  func attempt(_ body: () -> UInt64) -> Answer {
    let me = currentCPU
    cpus[me].faultCount.store(0, ordering: .relaxed)
    cpus[me].expectsFaults.store(true, ordering: .relaxed)
    let value = body()
    guest_dsb()
    guest_isb()
    cpus[me].expectsFaults.store(false, ordering: .relaxed)
    let count = cpus[me].faultCount.load(ordering: .relaxed)
    guard count > 0 else { return .value(value) }
    return .fault(
      Fault(
        syndrome: Syndrome(rawValue: cpus[me].faultSyndrome.load(ordering: .relaxed)),
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
      text(": fault class ")
      hex(fault.syndrome.rawValue >> 26 & 0x3F)
      text(" status ")
      hex(fault.syndrome.rawFaultStatus)
      text(" far ")
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
