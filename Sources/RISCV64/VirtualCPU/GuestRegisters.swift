import CRISCV64
import Virtualization

/// A vCPU's general registers and program counter: the frame that the vector fills and restores.
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

  /// x0 to x31; x0 is zero. `index` comes from five bits of an instruction or is a constant.
  subscript(index: Int) -> UInt64 {
    // SAFETY: the frame begins with 32 words, and the index has five bits. The first word is never written.
    @inline(__always) get { unsafe words[index & 31] }
    @inline(__always) nonmutating set {
      if index & 31 == 0 { return }
      // SAFETY: as above.
      unsafe words[index & 31] = newValue
    }
  }

  private var words: UnsafeMutablePointer<UInt64> {
    // SAFETY: the frame begins with such words, and lives as long as its vCPU.
    @inline(__always) get { unsafe UnsafeMutableRawPointer(frame).assumingMemoryBound(to: UInt64.self) }
  }

  // SAFETY: for all of these: the frame lives as long as its vCPU.
  @inline(__always) var programCounter: UInt64 {
    get { unsafe frame.pointee.sepc }
    nonmutating set { unsafe frame.pointee.sepc = newValue }
  }
  /// SPP and FS as the guest left them, and as it goes on with them.
  @inline(__always) var status: sstatus {
    get { sstatus(rawValue: unsafe frame.pointee.sstatus) }
    nonmutating set { unsafe frame.pointee.sstatus = newValue.rawValue }
  }

  /// Back to power-on.
  func clear(status: sstatus, traps: hstatus) {
    unsafe frame.initialize(to: VCPUFrame())
    unsafe frame.pointee.sstatus = status.rawValue
    unsafe frame.pointee.hstatus = traps.rawValue
  }
}

/// Registers by the names of the calling convention.
enum Register {
  static let a0 = 10
  static let a1 = 11
  static let a2 = 12
  static let a3 = 13
  static let a4 = 14
  static let a6 = 16
  static let a7 = 17
}
