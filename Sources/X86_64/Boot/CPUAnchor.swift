import CX86_64
import Kernel

/// What a CPU's GS leads to, so that the handler of interrupts and Swift find what is this CPU's own.
@safe struct CPUAnchor {
  private let anchor: UnsafeMutablePointer<X86CPUAnchor>

  /// Set-up only.
  static func make(eoi: UInt64) -> Self {
    let anchor = UnsafeMutablePointer<X86CPUAnchor>.allocate(capacity: 1)
    // SAFETY: fresh memory for one.
    unsafe anchor.initialize(to: X86CPUAnchor())
    // SAFETY: as above.
    unsafe anchor.pointee.eoi = eoi
    // SAFETY: it is never given back.
    return unsafe Self(anchor: anchor)
  }

  /// On the CPU itself: from here on `X86_64.currentCPU` is `cpu`.
  func install(_ cpu: Reference<PhysicalCPU<X86_64>>) {
    // SAFETY: the anchor lives for ever, and no one uses it before.
    unsafe anchor.pointee.cpu = UInt64(cpu.address)
    x86_wrmsr(MSR.gsBase, UInt64(UInt(bitPattern: unsafe anchor)))
  }

  /// Whether the interrupt has come since the last time. The handler runs only in the windows that this CPU opens.
  @inline(__always) func take(_ vector: InterruptVector) -> Bool {
    let offset = Int(CPU_ANCHOR_PENDING) &+ Int(vector.rawValue)
    // SAFETY: a vector is below 256, and so many bytes are there.
    let place = unsafe (UnsafeMutableRawPointer(anchor) + offset).assumingMemoryBound(to: UInt8.self)
    // SAFETY: as above.
    guard unsafe place.pointee != 0 else { return false }
    // SAFETY: as above.
    unsafe place.pointee = 0
    return true
  }
}
