import Foundation
import Kernel
import Synchronization

/// The RAM of host tests: a large, sparse arena in which each test has a window of host-physical addresses to itself.
public enum SparseMemory: PhysicalMemory {
  private static let byteCount = 8 << 40
  private static let windowByteCount: UInt64 = 16 << 30
  private static let windows = Atomic<UInt64>(1)

  nonisolated(unsafe) private static let arena: UnsafeMutableRawPointer = {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    guard let arena = mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0), arena != MAP_FAILED else {
      fatalError("the arena of the tests cannot be mapped")
    }
    return arena
  }()

  public static func pointer(to address: HostPhysicalAddress) -> UnsafeMutableRawPointer {
    precondition(address.rawValue < UInt64(byteCount), "an address outside the machine's RAM")
    return arena + Int(address.rawValue)
  }

  /// The first address of 16 GiB, or of `count` times that, which no other test uses; a multiple of 16 GiB. Every byte is
  /// zero.
  public static func makeWindow(count: UInt64 = 1) -> UInt64 {
    windows.wrappingAdd(count, ordering: .relaxed).oldValue * windowByteCount
  }

  /// How many bytes of a range were ever touched, in units of 4 KiB.
  public static func touchedByteCount(from base: UInt64, byteCount: UInt64) -> Int {
    var resident = [UInt8](repeating: 0, count: Int(byteCount) / 4096)
    let status = mincore(pointer(to: HostPhysicalAddress(base)), Int(byteCount), &resident)
    precondition(status == 0, "the arena is mapped")
    return resident.count { $0 & 1 != 0 } * 4096
  }
}

extension HostPhysicalRange {
  /// A range that is known to be in order.
  public init(_ base: UInt64, _ byteCount: UInt64) {
    guard let range = HostPhysicalRange(base: HostPhysicalAddress(base), byteCount: byteCount) else {
      fatalError("a range that is empty or wraps")
    }
    self = range
  }
}
