import Foundation
import Kernel

/// The RAM of a simulated machine. All of it is zero at first.
final class SimulatedMemory {
  static let base: UInt64 = 0x4000_0000
  let byteCount: Int
  private let bytes: UnsafeMutableRawPointer

  init(byteCount: Int) {
    self.byteCount = byteCount
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    guard let bytes = mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0), bytes != MAP_FAILED else {
      fatalError("the RAM of a simulated machine cannot be mapped")
    }
    self.bytes = bytes
  }

  /// Gives the memory back to the host. Not in a `deinit`: the stacks of threads that end in the middle of a call keep
  /// what they refer to.
  func unmap() { munmap(bytes, byteCount) }

  func pointer(to address: HostPhysicalAddress) -> UnsafeMutableRawPointer {
    let (offset, isBelow) = address.rawValue.subtractingReportingOverflow(Self.base)
    guard !isBelow, offset <= UInt64(byteCount) else { fatalError("an address outside of the machine's RAM") }
    return bytes + Int(offset)
  }
}
