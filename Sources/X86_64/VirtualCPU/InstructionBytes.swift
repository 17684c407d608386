import Kernel
import Virtualization

/// The first bytes of an instruction, as many as could be read, at most 15 (AMD APM 3, 1.1).
struct InstructionBytes {
  private var low: UInt64 = 0
  private var high: UInt64 = 0
  private(set) var count = 0

  static let limit = 15

  init() {}

  /// Nil behind the end.
  @inline(__always) func byte(_ index: Int) -> UInt8? {
    guard index >= 0, index < count else { return nil }
    let word = index < 8 ? low : high
    return UInt8(truncatingIfNeeded: word &>> (UInt64(index & 7) &* 8))
  }

  mutating func append(_ byte: UInt8) {
    guard count < Self.limit else { return }
    if count < 8 {
      low |= UInt64(byte) &<< (UInt64(count) &* 8)
    } else {
      high |= UInt64(byte) &<< (UInt64(count & 7) &* 8)
    }
    count &+= 1
  }

  /// A little-endian number of one, two, four or eight bytes at `index`; nil where it is not all there.
  func number(at index: Int, byteCount: Int) -> UInt64? {
    var value: UInt64 = 0
    for offset in 0..<byteCount {
      guard let byte = byte(index &+ offset) else { return nil }
      value |= UInt64(byte) &<< (UInt64(offset & 7) &* 8)
    }
    return value
  }

  /// Reads what is at the linear address, over at most one boundary of pages.
  init<Memory: PhysicalMemory>(at linear: UInt64, paging: GuestPaging, in memory: borrowing GuestMemory<Memory>) {
    guard let first = paging.translate(linear, in: memory) else { return }
    let rest = Int(4096 &- (linear & 4095))
    if rest >= 16 {
      do throws(GuestMemoryError) {
        low = try memory.load(UInt64.self, at: first)
        high = try memory.load(UInt64.self, at: GuestPhysicalAddress(first.rawValue &+ 8))
        count = Self.limit
      } catch {}
      return
    }
    appendBytes(at: first, count: rest, in: memory)
    guard count == rest, rest < Self.limit, let second = paging.translate(linear &+ UInt64(rest), in: memory) else {
      return
    }
    appendBytes(at: second, count: Self.limit - rest, in: memory)
  }

  private mutating func appendBytes<Memory: PhysicalMemory>(
    at address: GuestPhysicalAddress, count: Int, in memory: borrowing GuestMemory<Memory>
  ) {
    for offset in 0..<count {
      guard let byte = memory.byte(at: GuestPhysicalAddress(address.rawValue &+ UInt64(offset))) else { return }
      append(byte)
    }
  }
}
