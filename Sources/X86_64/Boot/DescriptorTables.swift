import CX86_64
import Kernel

/// The hypervisor's own GDT, task-state segment and interrupt table (AMD APM 2, 4.8 and 8.9).
enum DescriptorTables {
  /// Stacks for what must work whatever the stack is like: entries of the task-state segment, counted from 1.
  enum SafeStack: UInt8, CaseIterable {
    case nonMaskable = 1
    case doubleFault = 2
    case machineCheck = 3
    /// A guard page was hit: the stack has run over.
    case pageFault = 4

    init?(vector: Int) {
      switch vector {
      case 2: self = .nonMaskable
      case 8: self = .doubleFault
      case 14: self = .pageFault
      case 18: self = .machineCheck
      default: return nil
      }
    }
  }

  static let taskSegmentByteCount: UInt64 = 104

  /// A gate of 64-bit mode for an interrupt (APM 2, 4.8.4): the lower and the upper half.
  static func interruptGate(to handler: UInt64, stack: UInt8) -> (UInt64, UInt64) {
    let low =
      (handler & 0xffff) | UInt64(SELECTOR_CODE) << 16 | UInt64(stack & 7) << 32 | 0x8e << 40
      | (handler >> 16 & 0xffff) << 48
    return (low, handler >> 32)
  }

  /// A descriptor of an available task-state segment in 64-bit mode (APM 2, 4.8.3): the lower and the upper half.
  static func taskSegment(at base: UInt64) -> (UInt64, UInt64) {
    let low =
      (taskSegmentByteCount - 1) | (base & 0xff_ffff) << 16 | 0x89 << 40 | (base >> 24 & 0xff) << 56
    return (low, base >> 32)
  }

  /// Fills the interrupt table, which all CPUs share, and loads it. Before there is a task-state segment no gate may name
  /// a stack of it. Boot CPU only.
  static func fillInterruptTable(withSafeStacks hasStacks: Bool) {
    // SAFETY: 256 gates of 16 bytes are the 4096 bytes that the image has for them.
    let table = unsafe UnsafeMutablePointer<UInt64>(bitPattern: UInt(image_interrupt_table())).unsafelyUnwrapped
    for vector in 0..<256 {
      let stack = hasStacks ? SafeStack(vector: vector)?.rawValue ?? 0 : 0
      let gate = interruptGate(to: image_vectors() &+ UInt64(vector) &* 16, stack: stack)
      // SAFETY: as above.
      unsafe table[vector * 2] = gate.0
      unsafe table[vector * 2 + 1] = gate.1
    }
    loadInterruptTable()
  }

  /// Each CPU, for itself.
  static func loadInterruptTable() { load(base: image_interrupt_table(), limit: 4095, x86_lidt) }

  /// Gives this CPU a GDT with a task-state segment and its safe stacks, from `frames`. False where there is no memory.
  static func setUpThisCPU(from frames: FrameAllocator<X86_64>) -> Bool {
    guard let page = frames.allocate(.frame) else { return false }
    // SAFETY: a fresh frame that is kept for ever: the GDT in its first half, the task-state segment in its second.
    let words = unsafe AddressMap.pointer(to: page).assumingMemoryBound(to: UInt64.self)
    let base = AddressMap.directMapBase &+ page.rawValue
    let segment = base &+ 2048
    // SAFETY: as above.
    for index in 0..<512 { unsafe words[index] = 0 }
    for stack in SafeStack.allCases {
      guard let memory = frames.allocate(.frame) else { return false }
      let top = AddressMap.directMapBase &+ memory.rawValue &+ 4096
      // IST1 is at byte 36 of the segment.
      // SAFETY: the segment has 104 bytes from the page's middle on, and four stacks end before that.
      unsafe (UnsafeMutableRawPointer(words) + 2048 + 28 + Int(stack.rawValue) * 8)
        .storeBytes(of: top, as: UInt64.self)
    }
    // No I/O permission map: its place is behind the segment's end.
    // SAFETY: as above.
    unsafe (UnsafeMutableRawPointer(words) + 2048 + 102).storeBytes(of: UInt16(taskSegmentByteCount), as: UInt16.self)
    let descriptor = taskSegment(at: segment)
    // SAFETY: as above.
    unsafe words[1] = 0x0020_9b00_0000_0000  // 64-bit code
    unsafe words[2] = 0x0000_9300_0000_0000  // data
    // SAFETY: as above.
    unsafe words[3] = descriptor.0
    unsafe words[4] = descriptor.1
    load(base: base, limit: 39, x86_lgdt)
    x86_load_task_register(UInt16(SELECTOR_TASK))
    return true
  }

  /// A pseudo-descriptor of ten bytes, and the instruction that takes it.
  private static func load(base: UInt64, limit: UInt64, _ instruction: (UInt64) -> Void) {
    // Two words: the limit in the upper 16 bits of the first, then the base.
    var words = (limit << 48, base)
    // SAFETY: the words live until the closure returns; the instruction reads ten bytes from the sixth on.
    unsafe withUnsafeBytes(of: &words) { bytes in
      instruction(UInt64(UInt(bitPattern: bytes.baseAddress)) &+ 6)
    }
  }
}
