import Kernel

/// Commands on their way to a VM's owner, in order, and the answers on their way back; at most eight at a time.
struct CommandQueue<A: CPUArchitecture>: ~Copyable {
  static var capacity: Int { 8 }

  private var slots = InlineArray<8, CommandSlot<A>?>(repeating: nil)
  private var lastNumber: UInt64 = 0
  /// Who carries commands out; nil before there is one, and again from its end on.
  var owner: Reference<Task<A>>?

  /// Puts a command behind the others and wakes the owner.
  /// - Returns: the command's number; nil where there is no room, or nobody to carry it out.
  mutating func append(_ order: VMOrder, from waiter: Reference<Task<A>>?) -> UInt64? {
    guard let owner else { return nil }
    for index in 0..<Self.capacity where slots[index] == nil {
      lastNumber += 1
      slots[index] = CommandSlot(number: lastNumber, order: order, progress: .waiting, waiter: waiter)
      Scheduler<A>.wake(owner)
      return lastNumber
    }
    return nil
  }

  var hasWaiting: Bool {
    for index in 0..<Self.capacity where slots[index]?.progress == .waiting { return true }
    return false
  }

  /// The oldest command that waits; it is under way from here on.
  mutating func takeFirst() -> CommandSlot<A>? {
    var first: Int?
    for index in 0..<Self.capacity {
      guard let slot = slots[index], slot.progress == .waiting else { continue }
      if let other = first, let oldest = slots[other], oldest.number < slot.number { continue }
      first = index
    }
    guard let first else { return nil }
    slots[first]?.progress = .underWay
    return slots[first]
  }

  /// Answers a command. Its slot is free again as soon as nobody waits for the answer.
  mutating func finish(_ number: UInt64, with result: CommandResult) {
    guard let index = index(of: number) else { return }
    // Woken under the lock: after it, a waiter whose time is over can have ended.
    if let waiter = slots[index]?.waiter {
      slots[index]?.progress = .answered(result)
      Scheduler<A>.wake(waiter)
    } else {
      slots[index] = nil
    }
  }

  func isAnswered(_ number: UInt64) -> Bool {
    guard let index = index(of: number), case .answered? = slots[index]?.progress else { return false }
    return true
  }

  /// Takes the answer of a command that was sent with a waiter, who waits no more. A command that nobody has begun is
  /// withdrawn; one that is under way goes on.
  mutating func takeAnswer(_ number: UInt64) -> CommandResult {
    guard let index = index(of: number), let slot = slots[index] else { return .timedOut }
    switch slot.progress {
    case .answered(let result):
      slots[index] = nil
      return result
    case .waiting: slots[index] = nil
    case .underWay: slots[index]?.waiter = nil
    }
    return .timedOut
  }

  private func index(of number: UInt64) -> Int? {
    for index in 0..<Self.capacity where slots[index]?.number == number { return index }
    return nil
  }
}

/// A command in the queue.
struct CommandSlot<A: CPUArchitecture> {
  let number: UInt64
  let order: VMOrder
  var progress: CommandProgress
  /// Woken for the answer; nil where nobody waits for it.
  var waiter: Reference<Task<A>>?
}

/// How far a command is.
enum CommandProgress: Equatable {
  case waiting
  case underWay
  case answered(CommandResult)
}

/// A command with all that belongs to it.
public struct VMOrder: Sendable {
  let command: VMCommand
  /// When it is no longer wanted, in ticks of the counter.
  let deadline: UInt64
  /// The run that it is meant for; nil for whichever there is.
  let run: UInt64?
}

/// What became of a command.
public enum CommandResult: UInt8, Equatable, Sendable {
  case done
  /// The VM was there already.
  case alreadyDone
  /// Not from the state that the VM is in, or for a run that is over, or there are too many commands.
  case refused
  /// The VM could not get there, and has failed.
  case failed
  /// Not in time.
  case timedOut

  var word: StaticString {
    switch self {
    case .done: "done"
    case .alreadyDone: "already done"
    case .refused: "refused"
    case .failed: "failed"
    case .timedOut: "timed out"
    }
  }
}
