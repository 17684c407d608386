import Kernel
import Virtualization

/// How a VM ended.
public enum VMEnd: Sendable {
  /// It has not been started.
  case none
  case stopped(StopReason)
  /// Why it could not be made, started again or taken down.
  case failed(StaticString)

  /// The end in words.
  var words: LogText {
    switch self {
    case .none: "not started"
    case .stopped(let reason): reason.words
    case .failed(let words): "failed: \(words)"
    }
  }

  /// Whether the VM ended as it should.
  var isGood: Bool {
    switch self {
    case .none: true
    case .stopped(let reason): reason.isGood
    case .failed: false
    }
  }
}

extension StopReason {
  /// The reason in words.
  var words: LogText {
    switch self {
    case .shutDown: "shut down"
    case .resetRequested: "asked for a reset"
    case .stoppedByCommand: "stopped by command"
    case .stoppedByGuest(let code): "stopped itself with code \(code)"
    case .faulted(let vcpu, let fault):
      "\(fault.kind.words) on vcpu\(vcpu) at pc \(hex: fault.programCounter), address \(hex: fault.address), syndrome \(hex: fault.syndrome)"
    }
  }

  /// Whether the VM ended as its guest wished.
  var isGood: Bool {
    switch self {
    case .shutDown, .resetRequested, .stoppedByCommand: true
    case .stoppedByGuest(let code): code == 0
    case .faulted: false
    }
  }
}

extension GuestFault.Kind {
  var words: StaticString {
    switch self {
    case .repeatedFault: "took the same fault again and again"
    case .undecodable: "did what cannot be decoded"
    case .entryFailed: "could not be entered"
    case .unexpectedExit: "left in a way that is not known"
    case .systemError: "met an error of memory or bus"
    case .shutdown: "faulted while it handled a fault"
    }
  }
}
