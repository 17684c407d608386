/// The tasks of one CPU that could run now: two lists, first in, first out; `system` tasks before guests.
struct RunQueue<A: CPUArchitecture>: ~Copyable {
  private var system = TaskList<A>()
  private var guest = TaskList<A>()

  mutating func append(_ task: Reference<Task<A>>, as urgency: TaskUrgency) {
    switch urgency {
    case .system: system.append(task)
    case .guest: guest.append(task)
    }
  }

  var hasSystemTask: Bool { !system.isEmpty }

  mutating func popFirst() -> Reference<Task<A>>? { system.popFirst() ?? guest.popFirst() }
}

/// A list linked through `Task.next`.
private struct TaskList<A: CPUArchitecture>: ~Copyable {
  private var first: Reference<Task<A>>?
  private var last: Reference<Task<A>>?

  var isEmpty: Bool { first == nil }

  mutating func append(_ task: Reference<Task<A>>) {
    task.value.next = nil
    if let last { last.value.next = task } else { first = task }
    last = task
  }

  mutating func popFirst() -> Reference<Task<A>>? {
    guard let task = first else { return nil }
    first = task.value.next
    if first == nil { last = nil }
    task.value.next = nil
    return task
  }
}
