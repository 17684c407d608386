import Kernel
import Synchronization

/// The entries of one table, which hardware may read at any time.
///
/// Stores release: a walker that sees an entry which leads to a table sees that table's entries as well.
@safe struct TableFrame<Memory: PhysicalMemory> {
  private let entries: UnsafeMutablePointer<Atomic<UInt64>>
  let entryCount: UInt64

  /// - Parameter address: A table of `entryCount` entries that belongs to the page table.
  @unsafe init(at address: HostPhysicalAddress, entryCount: UInt64) {
    // SAFETY: the caller vouches for the table; frames are aligned to 4096, so its words are aligned.
    unsafe entries = Memory.pointer(to: address).assumingMemoryBound(to: Atomic<UInt64>.self)
    self.entryCount = entryCount
  }

  subscript(index: UInt64) -> UInt64 {
    get {
      precondition(index < entryCount, "an index behind the end of a page table")
      // SAFETY: the index was checked.
      return unsafe entries[Int(index)].load(ordering: .relaxed)
    }
    nonmutating set {
      precondition(index < entryCount, "an index behind the end of a page table")
      // SAFETY: the index was checked.
      unsafe entries[Int(index)].store(newValue, ordering: .releasing)
    }
  }
}
