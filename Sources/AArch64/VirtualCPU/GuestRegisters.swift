import CAArch64
import Virtualization

/// A vCPU's general registers, program counter and exit syndrome: the frame that the vectors and `keepSyndrome(_:)` fill and the vectors restore.
///
/// A pointer to one `VCPUFrame` that lives as long as the vCPU; touched by the vCPU's own task, and while it is off.
@safe struct GuestRegisters {
  let frame: UnsafeMutablePointer<VCPUFrame>

  /// A fresh frame, all zero. Set-up only.
  static func make() -> Self {
    let frame = UnsafeMutablePointer<VCPUFrame>.allocate(capacity: 1)
    unsafe frame.initialize(to: VCPUFrame())
    return unsafe Self(frame: frame)
  }

  func destroy() { unsafe frame.deallocate() }

  /// X0 to X30; 31 is XZR. `index` comes from five bits of a syndrome or is a constant.
  subscript(index: Int) -> UInt64 {
    @inline(__always) get {
      if index >= 31 { return 0 }
      // SAFETY: the frame begins with 31 words, and `index` is below that.
      return unsafe words[index]
    }
    @inline(__always) nonmutating set {
      if index >= 31 { return }
      // SAFETY: as above.
      unsafe words[index] = newValue
    }
  }

  @inline(__always) private var words: UnsafeMutablePointer<UInt64> {
    unsafe UnsafeMutableRawPointer(frame).assumingMemoryBound(to: UInt64.self)
  }

  /// Whether a procedure keeps the register, so that it is not loaded again where the guest goes on (AAPCS64, 6.1.1;
  /// WorldSwitch.S, which loads X19 all the same).
  @inline(__always) static func isKeptByCallees(_ index: Int) -> Bool { index >= 20 && index <= 28 }

  // SAFETY: for all of these: the frame lives as long as its vCPU.
  @inline(__always) var programCounter: UInt64 {
    get { unsafe frame.pointee.elr }
    nonmutating set { unsafe frame.pointee.elr = newValue }
  }
  @inline(__always) var processorState: SPSR {
    get { SPSR(rawValue: unsafe frame.pointee.spsr) }
    nonmutating set { unsafe frame.pointee.spsr = newValue.rawValue }
  }
  @inline(__always) var syndrome: ESR_EL2 { ESR_EL2(rawValue: unsafe frame.pointee.esr) }
  /// FAR_EL2; 0 where the exit was no abort.
  @inline(__always) var faultAddress: UInt64 { syndrome.exceptionClass.hasFaultAddress ? unsafe frame.pointee.far : 0 }
  /// HPFAR_EL2, of an abort.
  @inline(__always) var faultPage: HPFAR_EL2 { HPFAR_EL2(rawValue: unsafe frame.pointee.hpfar) }

  /// Keeps what an exit's handlers ask for of the registers that the next exception at EL2 changes (ESR_EL2).
  @inline(__always) func keepSyndrome(_ syndrome: ESR_EL2) {
    unsafe frame.pointee.esr = syndrome.rawValue
  }

  /// The same for an abort, beside the syndrome.
  @inline(__always) func keepFaultAddress() -> (address: UInt64, page: HPFAR_EL2) {
    let address = read_FAR_EL2()
    let page = read_HPFAR_EL2()
    unsafe frame.pointee.far = address
    unsafe frame.pointee.hpfar = page
    return (address, HPFAR_EL2(rawValue: page))
  }

  /// Goes past the trapped instruction as if it had been executed: a guest that steps it has made its step, and a branch
  /// before it is over (Arm ARM DDI 0487, D2.12 and D8.4.6).
  @inline(__always) func skipInstruction() {
    programCounter &+= syndrome.instructionByteCount
    processorState = processorState.afterInstruction
  }

  func clear() { unsafe frame.initialize(to: VCPUFrame()) }
}
