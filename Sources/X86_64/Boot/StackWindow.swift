import CX86_64
import Kernel
import Virtualization

/// Where tasks' stacks are mapped: each 16 KiB behind 16 KiB that nothing is mapped in, so that a stack that runs over
/// faults at once.
struct StackWindow: ~Copyable {
  private static let base: UInt64 = 0xffff_e000_0000_0000
  static let byteCount: UInt64 = 16 << 10
  private static let stride: UInt64 = 32 << 10
  static let slotCount = 1024

  /// Before the frame allocator's in the lock order.
  private let state: Locked<StackSlots>

  /// One page of the first slot stays mapped, so that the tables above it are never given back.
  init(from frames: FrameAllocator<X86_64>, machine: PhysicalAddressRange) throws(PageTableError) {
    guard let keeper = frames.allocate(.frame) else { throw .outOfFrames }
    var table = try PageTable<HypervisorTableFormat, X86_64>(HypervisorTableFormat(machine: machine), from: frames)
    try table.map(
      HypervisorAddress(virtual: Self.base), to: keeper, byteCount: 4096, as: PageAttributes([.read, .write]),
      maintenance: NotInstalled())
    AddressMap.adopt(entryFor: Self.base, of: table.root)
    state = Locked(StackSlots(table: table))
  }

  /// Maps `memory`, 16 KiB, as a stack; its lowest address. Nil where there is no slot or no frame for a table.
  func map(_ memory: HostPhysicalAddress) -> UInt? {
    state.withLock { state in
      guard let slot = state.takeSlot() else { return nil }
      let base = Self.base + UInt64(slot) * Self.stride + Self.byteCount
      do throws(PageTableError) {
        try state.table.map(
          HypervisorAddress(virtual: base), to: memory, byteCount: Self.byteCount, as: PageAttributes([.read, .write]),
          maintenance: OwnCPUMaintenance())
        return UInt(base)
      } catch {
        state.giveBackSlot(slot)
        return nil
      }
    }
  }

  /// Ends the stack that begins at `base`. By the CPU whose task was on it.
  func unmap(_ base: UInt) {
    state.withLock { state in
      do throws(PageTableError) {
        try state.table.unmap(
          HypervisorAddress(virtual: UInt64(base)), byteCount: Self.byteCount, maintenance: OwnCPUMaintenance())
      } catch {
        fatalError("a stack that was not mapped")
      }
      state.giveBackSlot(Int((UInt64(base) - Self.base) / Self.stride))
    }
  }
}

/// The window's table, and which slots have a stack.
struct StackSlots: ~Copyable {
  var table: PageTable<HypervisorTableFormat, X86_64>
  /// A bit for each slot that has a stack. The first slot is never given out.
  var taken = InlineArray<16, UInt64>(repeating: 0)

  init(table: consuming PageTable<HypervisorTableFormat, X86_64>) {
    self.table = table
    taken[0] = 1
  }

  mutating func takeSlot() -> Int? {
    for word in 0..<StackWindow.slotCount / 64 where taken[word] != .max {
      let bit = (~taken[word]).trailingZeroBitCount
      taken[word] |= 1 << UInt64(bit)
      return word * 64 + bit
    }
    return nil
  }

  mutating func giveBackSlot(_ slot: Int) { taken[slot / 64] &= ~(1 << UInt64(slot % 64)) }
}

/// A stack's addresses are used by one CPU alone, the one that its task is on and that ends it, so that no other has its
/// translations. (AMD APM 2, 5.5.2: INVLPG also forgets the tables that were walked through.)
struct OwnCPUMaintenance: TranslationMaintenance {
  func publish(_ base: HypervisorAddress, byteCount: UInt64) {}

  func invalidate(_ base: HypervisorAddress, byteCount: UInt64) {
    var offset: UInt64 = 0
    while offset < byteCount {
      x86_invlpg((base.rawValue &+ offset) | 0xffff_0000_0000_0000)
      offset &+= 4096
    }
  }
}
