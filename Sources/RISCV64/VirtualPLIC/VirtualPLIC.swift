import Kernel
import Synchronization
import Virtualization

/// The platform-level interrupt controller of one VM (RISC-V PLIC 1.0.0), with the registers of QEMU's `virt`.
///
/// Context n is S mode on vCPU n; there are no others. Inputs are level-triggered.
///
/// One spin lock for the VM guards the state, for some hundred instructions at most; lock order: after the devices' locks,
/// whose lines come here, and before the run queues'. What a vCPU looks at before it enters the guest is one atomic
/// word. No function calls out; each returns the vCPUs to notify, as bits: those, other than the caller, whose interrupt
/// has come or gone.
struct VirtualPLIC: ~Copyable {
  /// Sources are 1 to 95, as QEMU's `virt` has them.
  static let sourceLimit = 96
  static let byteCount: UInt64 = 0x60_0000

  let vcpuCount: Int
  private let state: Locked<PLICState>
  /// Bit n: the external interrupt of vCPU n is raised. Written with the lock held.
  private let signals = Atomic<UInt64>(0)

  /// - Parameter vcpuCount: 1 to 64.
  init(vcpuCount: Int) {
    precondition((1...64).contains(vcpuCount), "as many contexts as a PLIC has bits for")
    self.vcpuCount = vcpuCount
    state = Locked(PLICState(contextCount: vcpuCount))
  }

  /// Whether the vCPU's external interrupt is raised. Any time, without the lock.
  @inline(__always) func isSignalled(_ vcpu: Int) -> Bool {
    signals.load(ordering: .sequentiallyConsistent) & 1 &<< UInt64(truncatingIfNeeded: vcpu) != 0
  }

  /// Sets the level of a source's input; any CPU.
  func setLine(_ source: Int, isAsserted: Bool) -> UInt64 {
    guard source > 0, source < Self.sourceLimit else { return 0 }
    return state.withLock { state in
      state.setLine(source, isAsserted: isAsserted) ? updateAll(&state) : 0
    }
  }

  /// Power-on state, while no vCPU runs and after the devices have been reset.
  func reset() {
    state.withLock { state in
      state.reset()
      signals.store(0, ordering: .sequentiallyConsistent)
    }
  }

  // MARK: - Registers

  /// Registers answer aligned accesses of 32 bits; everything else, what other contexts would have among it, reads as zero.
  func read(_ offset: UInt64, _ width: AccessWidth, by vcpu: Int, notified: inout UInt64) -> UInt64 {
    guard width == .word, let register = PLICRegister(offset, contextCount: vcpuCount) else { return 0 }
    var others: UInt64 = 0
    let value = state.withLock { state -> UInt64 in
      switch register {
      case .claim(let context):
        let source = state.claim(context)
        if source != 0 { others = updateAfterClaim(&state, by: vcpu) }
        return UInt64(truncatingIfNeeded: source)
      case .priority(let source): return UInt64(state.priority(source))
      case .pending(let word): return Self.half(word, of: state.pendingWord(word &>> 1))
      case .enable(let context, let word): return Self.half(word, of: state.enableWord(word &>> 1, of: context))
      case .threshold(let context): return UInt64(state.threshold(of: context))
      }
    }
    notified |= others
    return value
  }

  /// - Returns: the vCPUs to notify.
  func write(_ offset: UInt64, _ width: AccessWidth, _ value: UInt64, by vcpu: Int) -> UInt64 {
    guard width == .word, let register = PLICRegister(offset, contextCount: vcpuCount) else { return 0 }
    return state.withLock { state -> UInt64 in
      switch register {
      case .claim(let context):
        let source = value & 0xffff_ffff
        guard source > 0, source < UInt64(Self.sourceLimit) else { return 0 }
        return state.complete(Int(source), by: context) ? updateAll(&state, by: vcpu) : 0
      case .priority(let source):
        state.setPriority(source, UInt8(truncatingIfNeeded: value))
        return updateAll(&state, by: vcpu)
      case .pending: return 0
      case .enable(let context, let word):
        setHalf(word, of: context, UInt32(truncatingIfNeeded: value), &state)
        return update(context, &state, by: vcpu)
      case .threshold(let context):
        state.setThreshold(of: context, UInt8(truncatingIfNeeded: value))
        return update(context, &state, by: vcpu)
      }
    }
  }

  private func setHalf(_ word: Int, of context: Int, _ value: UInt32, _ state: inout PLICState) {
    // There is no source 0, and none from `sourceLimit` on.
    let there: UInt32 = word == 0 ? ~1 : word &* 32 < Self.sourceLimit ? ~0 : 0
    let shift = UInt64(truncatingIfNeeded: (word & 1) &* 32)
    let old = state.enableWord(word &>> 1, of: context) & ~(0xffff_ffff &<< shift)
    state.setEnableWord(word &>> 1, of: context, old | UInt64(value & there) &<< shift)
  }

  /// The 32-bit register `word` out of the 64-bit word that holds it.
  private static func half(_ word: Int, of value: UInt64) -> UInt64 {
    value &>> UInt64(truncatingIfNeeded: (word & 1) &* 32) & 0xffff_ffff
  }

  // MARK: - Signals

  /// The three below bring `signals` up to date with the lock held, and return whose signal has changed, without `vcpu`'s:
  /// that one looks before it goes on.
  private func update(_ context: Int, _ state: inout PLICState, by vcpu: Int = -1) -> UInt64 {
    let old = signals.load(ordering: .relaxed)
    let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: context)
    return publish(state.isSignalled(context) ? old | bit : old & ~bit, old, by: vcpu)
  }

  private func updateAll(_ state: inout PLICState, by vcpu: Int = -1) -> UInt64 {
    let old = signals.load(ordering: .relaxed)
    var new: UInt64 = 0
    for context in 0..<vcpuCount where state.isSignalled(context) {
      new |= 1 &<< UInt64(truncatingIfNeeded: context)
    }
    return publish(new, old, by: vcpu)
  }

  /// A claim raises nothing, so only those that are raised are looked at.
  private func updateAfterClaim(_ state: inout PLICState, by vcpu: Int) -> UInt64 {
    let old = signals.load(ordering: .relaxed)
    var new = old
    var rest = CPUSet(rawValue: old)
    while let context = rest.popFirst() {
      if !state.isSignalled(context) { new &= ~(1 &<< UInt64(truncatingIfNeeded: context)) }
    }
    return publish(new, old, by: vcpu)
  }

  private func publish(_ new: UInt64, _ old: UInt64, by vcpu: Int) -> UInt64 {
    guard new != old else { return 0 }
    signals.store(new, ordering: .sequentiallyConsistent)
    let caller: UInt64 = vcpu < 0 ? 0 : 1 &<< UInt64(truncatingIfNeeded: vcpu)
    return (new ^ old) & ~caller
  }
}
