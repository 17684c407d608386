import Synchronization
import Virtualization

/// Where a VM is in its life. Written by its owner alone.
public enum VMState: UInt8, AtomicRepresentable, CaseIterable, Sendable {
  case created
  case ready
  case running
  case pausing
  case paused
  case stopping
  case stopped
  case failed
  case destroyed

  public var word: StaticString {
    switch self {
    case .created: "created"
    case .ready: "ready"
    case .running: "running"
    case .pausing: "pausing"
    case .paused: "paused"
    case .stopping: "stopping"
    case .stopped: "stopped"
    case .failed: "failed"
    case .destroyed: "destroyed"
    }
  }
}

/// What the owner can be told to do with its VM.
public enum VMCommand: UInt8, AtomicRepresentable, CaseIterable, Sendable {
  case start
  case pause
  case resume
  case stop
  case reset
  case destroy

  public var word: StaticString {
    switch self {
    case .start: "start"
    case .pause: "pause"
    case .resume: "resume"
    case .stop: "stop"
    case .reset: "reset"
    case .destroy: "destroy"
    }
  }
}

/// What a command means in a state.
public enum VMTransition: Sendable {
  /// The owner carries it out.
  case perform
  /// The VM is already there: success, and nothing happens.
  case alreadyDone
  /// Not from here.
  case refused
}

extension VMState {
  /// The table of states and commands. The owner finishes one command before it looks at the next, so the states on the
  /// way (`created`, `pausing`, `stopping`) see none; they refuse them all the same.
  public func transition(for command: VMCommand) -> VMTransition {
    switch (self, command) {
    case (.ready, .start): .perform
    case (.running, .start): .alreadyDone

    case (.running, .pause): .perform
    case (.paused, .pause): .alreadyDone

    case (.paused, .resume): .perform
    case (.running, .resume): .alreadyDone

    case (.running, .stop), (.paused, .stop), (.ready, .stop): .perform
    case (.stopped, .stop), (.failed, .stop): .alreadyDone

    case (.stopped, .reset), (.failed, .reset), (.running, .reset), (.paused, .reset): .perform
    case (.ready, .reset): .alreadyDone

    case (.ready, .destroy), (.stopped, .destroy), (.failed, .destroy): .perform
    case (.destroyed, .destroy): .alreadyDone

    default: .refused
    }
  }
}
