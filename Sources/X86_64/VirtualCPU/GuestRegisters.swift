import CX86_64
import Kernel
import Virtualization

/// A vCPU's registers: those that the world switch moves, and the VMCB with the rest.
///
/// Both live as long as the vCPU; touched by the vCPU's own task, and while it is off.
@safe struct GuestRegisters {
  let frame: UnsafeMutablePointer<X86VCPUFrame>
  let vmcb: VMCB

  /// Set-up only. Nil where there is no memory.
  static func make(from frames: FrameAllocator<X86_64>) -> Self? {
    guard let page = frames.allocate(.frame) else { return nil }
    let frame = UnsafeMutablePointer<X86VCPUFrame>.allocate(capacity: 1)
    // SAFETY: fresh memory for one.
    unsafe frame.initialize(to: X86VCPUFrame())
    // SAFETY: the page is given back by `destroy` alone.
    let vmcb = unsafe VMCB(address: page, base: X86_64.pointer(to: page))
    vmcb.clear()
    // SAFETY: as above.
    unsafe frame.pointee.vmcb = page.rawValue
    return unsafe Self(frame: frame, vmcb: vmcb)
  }

  func destroy(_ frames: FrameAllocator<X86_64>) {
    // SAFETY: the vCPU ends here.
    unsafe frame.deallocate()
    frames.free(vmcb.address, .frame)
  }

  /// RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 to R15, by the numbers that instructions use.
  subscript(index: Int) -> UInt64 {
    @inline(__always) get {
      switch index & 15 {
      case 0: return vmcb[VMCB.rax]
      case 4: return vmcb[VMCB.rsp]
      // SAFETY: the frame begins with 16 words, and the index is below that.
      default: return unsafe UnsafeRawPointer(frame).load(fromByteOffset: (index & 15) &* 8, as: UInt64.self)
      }
    }
    @inline(__always) nonmutating set {
      switch index & 15 {
      case 0: vmcb[VMCB.rax] = newValue
      case 4: vmcb[VMCB.rsp] = newValue
      // SAFETY: as above.
      default:
        unsafe UnsafeMutableRawPointer(frame).storeBytes(
          of: newValue, toByteOffset: (index & 15) &* 8, as: UInt64.self)
      }
    }
  }

  static let rcx = 1
  static let rdx = 2
  static let rbx = 3
  static let rsi = 6
  static let rdi = 7

  @inline(__always) var programCounter: UInt64 {
    get { vmcb[VMCB.rip] }
    nonmutating set { vmcb[VMCB.rip] = newValue }
  }

  /// EDX:EAX.
  var edxEAX: UInt64 {
    get { (self[Self.rdx] & 0xffff_ffff) << 32 | (self[0] & 0xffff_ffff) }
    nonmutating set {
      self[0] = newValue & 0xffff_ffff
      self[Self.rdx] = newValue >> 32
    }
  }

  /// Whether interrupts come through.
  var acceptsInterrupts: Bool { vmcb[VMCB.rflags] & RFLAGS.if.rawValue != 0 }

  func clear() {
    // SAFETY: the frame lives as long as its vCPU.
    let (guest, host) = unsafe (frame.pointee.vmcb, frame.pointee.hostVMCB)
    // SAFETY: as above.
    unsafe frame.initialize(to: X86VCPUFrame())
    // SAFETY: as above.
    unsafe frame.pointee.vmcb = guest
    unsafe frame.pointee.hostVMCB = host
    vmcb.clear()
  }
}
