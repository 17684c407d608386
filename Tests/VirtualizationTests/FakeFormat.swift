import Kernel
import Synchronization
import TestSupport
import Virtualization

/// A format of no machine. Each entry carries the level it was made for, and reading it at another level is fatal.
struct FakeFormat: PageTableFormat {
  typealias Input = GuestPhysicalAddress

  var rootLevel: UInt64 = 3
  var rootOrder = FrameOrder.frame
  var inputBitCount: UInt64 = 48
  var outputBitCount: UInt64 = 44
  var largestLeafLevel: UInt64 = 2

  private enum Kind {
    static let leaf: UInt64 = 1
    static let table: UInt64 = 2
  }

  func leaf(to output: HostPhysicalAddress, _ attributes: PageAttributes, level: UInt64) -> UInt64 {
    precondition(output.isAligned(to: byteCount(atLevel: level)) && level <= largestLeafLevel)
    let flags = UInt64(attributes.permissions.rawValue) << 2 | (attributes.memoryType == .device ? 1 : 0) << 5
    return shifted(output.rawValue | flags | Kind.leaf, level)
  }

  func link(to address: HostPhysicalAddress, level: UInt64) -> UInt64 {
    precondition(level > 0)
    return shifted(address.rawValue | Kind.table, level)
  }

  /// The address goes up by the level, and the level into bits 8 to 11.
  private func shifted(_ entry: UInt64, _ level: UInt64) -> UInt64 {
    (entry & ~4095) << level | entry & 4095 | (level + 1) << 8
  }

  func entry(_ rawValue: UInt64, level: UInt64) -> PageTableEntry {
    guard rawValue & 4095 != 0 else { return .absent }
    precondition(rawValue >> 8 & 15 == level + 1, "an entry is read at a level it was not made for")
    let address = HostPhysicalAddress((rawValue & ~4095) >> level)
    guard rawValue & 3 == Kind.leaf else { return .table(address) }
    let permissions = AccessPermissions(rawValue: UInt8(rawValue >> 2 & 7))
    return .leaf(address, PageAttributes(permissions, rawValue & 32 == 0 ? .normal : .device))
  }
}

/// Writes down what it is told, and what was true at that moment.
final class MaintenanceLog: TranslationMaintenance {
  enum Event: Equatable {
    case publish(UInt64, UInt64)
    case invalidate(UInt64, UInt64)
  }

  private(set) var events: [Event] = []
  /// Called at each event.
  var observe: (Event) -> Void = { _ in }

  func publish(_ base: GuestPhysicalAddress, byteCount: UInt64) { note(.publish(base.rawValue, byteCount)) }
  func invalidate(_ base: GuestPhysicalAddress, byteCount: UInt64) { note(.invalidate(base.rawValue, byteCount)) }

  private func note(_ event: Event) {
    events.append(event)
    observe(event)
  }

  func takeEvents() -> [Event] {
    defer { events = [] }
    return events
  }
}

typealias FakeTable = NestedPageTable<FakeFormat, SparseMemory>
typealias TestFrames = FrameAllocator<SparseMemory>

/// A frame allocator for one test, with `byteCount` bytes of RAM.
func makeFrames(_ byteCount: UInt64 = 64 << 20) -> TestFrames {
  guard let frames = TestFrames(HostPhysicalRange(SparseMemory.makeWindow(), byteCount)) else {
    fatalError("too little RAM for a frame allocator")
  }
  return frames
}
