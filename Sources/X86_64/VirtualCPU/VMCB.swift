import Kernel

/// A field of the VMCB: its offset in bytes, and its width by its type.
struct VMCBField<Value: FixedWidthInteger & BitwiseCopyable>: Sendable {
  let offset: Int
  init(_ offset: Int) { self.offset = offset }
}

/// A vCPU's virtual-machine control block: one frame that VMRUN reads and writes (AMD APM 2, appendix B).
@safe struct VMCB {
  let address: HostPhysicalAddress
  private let base: UnsafeMutableRawPointer

  /// - Safety: the frame at `address`, which `base` leads to, belongs to the vCPU as long as this is used.
  @unsafe init(address: HostPhysicalAddress, base: UnsafeMutableRawPointer) {
    self.address = address
    // SAFETY: only kept.
    unsafe self.base = base
  }

  @inline(__always) subscript<Value>(field: VMCBField<Value>) -> Value {
    // SAFETY: the fields below are the only ones, and lie inside the frame.
    get { unsafe base.loadUnaligned(fromByteOffset: field.offset, as: Value.self) }
    nonmutating set { unsafe base.storeBytes(of: newValue, toByteOffset: field.offset, as: Value.self) }
  }

  @inline(__always) subscript(segment: Segment) -> SegmentRegister {
    get {
      let offset = segment.rawValue
      return SegmentRegister(
        selector: self[VMCBField<UInt16>(offset)], attributes: self[VMCBField<UInt16>(offset &+ 2)],
        limit: self[VMCBField<UInt32>(offset &+ 4)], base: self[VMCBField<UInt64>(offset &+ 8)])
    }
    nonmutating set {
      let offset = segment.rawValue
      self[VMCBField<UInt16>(offset)] = newValue.selector
      self[VMCBField<UInt16>(offset &+ 2)] = newValue.attributes
      self[VMCBField<UInt32>(offset &+ 4)] = newValue.limit
      self[VMCBField<UInt64>(offset &+ 8)] = newValue.base
    }
  }

  /// Everything zero. The vCPU does not run.
  func clear() {
    // SAFETY: the frame is 4096 bytes.
    unsafe base.initializeMemory(as: UInt64.self, repeating: 0, count: 512)
  }

  // MARK: - Control area (table B-1)

  static let interceptExceptions = VMCBField<UInt32>(0x008)
  static let interceptsA = VMCBField<UInt32>(0x00c)
  static let interceptsB = VMCBField<UInt32>(0x010)
  static let ioPermissionBase = VMCBField<UInt64>(0x040)
  static let msrPermissionBase = VMCBField<UInt64>(0x048)
  static let tscOffset = VMCBField<UInt64>(0x050)
  static let asid = VMCBField<UInt32>(0x058)
  static let tlbControl = VMCBField<UInt8>(0x05c)
  static let virtualInterrupt = VMCBField<UInt64>(0x060)
  static let interruptShadow = VMCBField<UInt64>(0x068)
  static let exitCode = VMCBField<UInt64>(0x070)
  static let exitInfo1 = VMCBField<UInt64>(0x078)
  static let exitInfo2 = VMCBField<UInt64>(0x080)
  static let exitInterruptInfo = VMCBField<UInt64>(0x088)
  static let nestedControl = VMCBField<UInt64>(0x090)
  static let eventInjection = VMCBField<UInt64>(0x0a8)
  static let nestedCR3 = VMCBField<UInt64>(0x0b0)
  static let cleanBits = VMCBField<UInt32>(0x0c0)
  static let nextRIP = VMCBField<UInt64>(0x0c8)

  // MARK: - State save area (table B-2, from 0x400)

  enum Segment: Int {
    case es = 0x400
    case cs = 0x410
    case ss = 0x420
    case ds = 0x430
    case fs = 0x440
    case gs = 0x450
    case gdtr = 0x460
    case ldtr = 0x470
    case idtr = 0x480
    case tr = 0x490
  }

  static let cpl = VMCBField<UInt8>(0x4cb)
  static let efer = VMCBField<UInt64>(0x4d0)
  static let cr4 = VMCBField<UInt64>(0x548)
  static let cr3 = VMCBField<UInt64>(0x550)
  static let cr0 = VMCBField<UInt64>(0x558)
  static let dr7 = VMCBField<UInt64>(0x560)
  static let dr6 = VMCBField<UInt64>(0x568)
  static let rflags = VMCBField<UInt64>(0x570)
  static let rip = VMCBField<UInt64>(0x578)
  static let rsp = VMCBField<UInt64>(0x5d8)
  static let rax = VMCBField<UInt64>(0x5f8)
  static let kernelGSBase = VMCBField<UInt64>(0x620)
  static let cr2 = VMCBField<UInt64>(0x640)
  static let guestPAT = VMCBField<UInt64>(0x668)
}

/// A segment register with what it hides.
struct SegmentRegister: Equatable {
  var selector: UInt16
  /// The descriptor's bits 55 to 52 and 47 to 40, in one run of twelve (APM 2, 15.5.1).
  var attributes: UInt16
  var limit: UInt32
  var base: UInt64

  /// A 64-bit code segment, as the attributes say it.
  var isLong: Bool { attributes & 0x200 != 0 }
  /// The default operand size is 32 bits.
  var isBig: Bool { attributes & 0x400 != 0 }
}

/// The VMCB's word at 0x60: virtual interrupts (table B-1).
struct VirtualInterruptControl: RawRepresentable, Equatable {
  var rawValue: UInt64

  static let tpr = BitField(3, 0)  // V_TPR: what CR8 reads as
  static let irq = BitField(8, 8)  // V_IRQ: a virtual interrupt is pending
  static let priority = BitField(19, 16)  // V_INTR_PRIO
  static let ignoreTPR = BitField(20, 20)  // V_IGN_TPR
  static let masking = BitField(24, 24)  // V_INTR_MASKING: RFLAGS.IF and CR8 of the guest are its own
  static let vector = BitField(39, 32)  // V_INTR_VECTOR

  var taskPriorityClass: UInt8 { UInt8(truncatingIfNeeded: Self.tpr.value(in: rawValue)) }
}

/// EVENTINJ and EXITINTINFO (APM 2, 15.20 and 15.7.2).
struct Event: RawRepresentable, Equatable {
  let rawValue: UInt64

  enum Kind: UInt64 {
    case interrupt = 0
    case nonMaskable = 2
    case exception = 3
    case softwareInterrupt = 4
  }

  static let valid: UInt64 = 1 << 31
  private static let errorValid: UInt64 = 1 << 11

  init(rawValue: UInt64) { self.rawValue = rawValue }

  init(_ kind: Kind, vector: UInt8, error: UInt32? = nil) {
    rawValue =
      UInt64(vector) | kind.rawValue << 8 | Self.valid | (error.map { UInt64($0) << 32 | Self.errorValid } ?? 0)
  }

  static let none = Self(rawValue: 0)

  var isValid: Bool { rawValue & Self.valid != 0 }
  var vector: UInt8 { UInt8(truncatingIfNeeded: rawValue) }
  var kind: Kind? { Kind(rawValue: rawValue >> 8 & 7) }
}
