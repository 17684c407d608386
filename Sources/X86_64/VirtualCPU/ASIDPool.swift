/// Which address-space identifiers a physical CPU has given to vCPUs (AMD APM 2, 15.16).
///
/// An identifier is not given to another vCPU before the TLB has been flushed: when all have been given out, the next entry
/// flushes everything, and all begin anew. A vCPU whose translations must go is given a new identifier.
struct ASIDPool {
  private let count: UInt32
  private var next: UInt32
  private var generation: UInt64 = 1

  /// - Parameter count: Identifiers that the CPU has, the hypervisor's own 0 among them; at least 2.
  init(count: UInt32) {
    self.count = max(2, count)
    next = self.count  // what the firmware has left in the TLB goes as well
  }

  /// What an entry must do to the TLB first: the VMCB's TLB_CONTROL.
  enum Flush: UInt8 {
    case none = 0
    case everything = 1
  }

  /// Makes sure that `tag` is this CPU's to use, and says what its next entry must flush.
  mutating func renew(_ tag: inout ASIDTag) -> Flush {
    if tag.generation == generation { return .none }
    var flush = Flush.none
    if next == count {
      next = 1
      generation &+= 1
      flush = .everything
    }
    tag = ASIDTag(value: next, generation: generation)
    next &+= 1
    return flush
  }
}

/// The identifier that a vCPU has on its CPU.
struct ASIDTag: Equatable {
  fileprivate(set) var value: UInt32 = 0
  /// 0 is no pool's.
  fileprivate var generation: UInt64 = 0

  /// None: the next entry gets a new one.
  init() {}

  fileprivate init(value: UInt32, generation: UInt64) {
    self.value = value
    self.generation = generation
  }
}
