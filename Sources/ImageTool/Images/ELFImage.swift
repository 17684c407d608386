import Foundation

/// The loadable parts of an ELF64 file (System V ABI, chapter 5).
struct ELFImage {
  struct Segment {
    let address: UInt64
    let bytes: Data
    let memoryByteCount: UInt64
  }

  enum Problem: Error {
    case not64Bit
    case bigEndian
    /// Another machine than the one that was asked for, by the ABI's number.
    case otherMachine(UInt16)
    /// Neither an executable nor a shared object: an object file, say.
    case notExecutable
    case damaged
    case nothingToLoad
    case entryOutside(UInt64)
  }

  let segments: [Segment]
  /// As a physical address.
  let entry: UInt64

  static func isOne(_ data: Data) -> Bool { data.hasBytes([0x7f, 0x45, 0x4c, 0x46], at: 0) }

  /// Reads the headers of a file that `isOne`, for a machine of the ABI's number `wanted`.
  static func read(_ data: Data, machine wanted: UInt16) -> Result<ELFImage, Problem> {
    guard data.hasBytes([2], at: 4) else { return .failure(.not64Bit) }
    guard data.hasBytes([1], at: 5) else { return .failure(.bigEndian) }
    guard let type = data.number(UInt16.self, at: 16), let machine = data.number(UInt16.self, at: 18),
      let entry = data.number(UInt64.self, at: 24), let headers = data.number(UInt64.self, at: 32),
      let headerByteCount = data.number(UInt16.self, at: 54), let headerCount = data.number(UInt16.self, at: 56)
    else { return .failure(.damaged) }
    guard machine == wanted else { return .failure(.otherMachine(machine)) }
    guard type == 2 || type == 3 else { return .failure(.notExecutable) }
    guard headerByteCount >= 56, headers <= UInt64(data.count) else { return .failure(.damaged) }

    var segments: [Segment] = []
    var physicalEntry: UInt64?
    for index in 0..<Int(headerCount) {
      let header = Int(headers) + index * Int(headerByteCount)
      func field(_ offset: Int) -> UInt64? { data.number(UInt64.self, at: header + offset) }
      guard let kind = data.number(UInt32.self, at: header), let offset = field(8), let virtualAddress = field(16),
        let address = field(24), let byteCount = field(32), let memoryByteCount = field(40)
      else { return .failure(.damaged) }
      guard kind == 1, memoryByteCount > 0 else { continue }
      guard byteCount <= memoryByteCount, let bytes = data.bytes(at: offset, count: byteCount) else {
        return .failure(.damaged)
      }
      segments.append(Segment(address: address, bytes: bytes, memoryByteCount: memoryByteCount))
      if entry >= virtualAddress, entry - virtualAddress < memoryByteCount {
        physicalEntry = address &+ (entry - virtualAddress)
      }
    }
    guard !segments.isEmpty else { return .failure(.nothingToLoad) }
    // A program that is linked at addresses of its own page tables may name its entry as the physical one.
    let isPhysical = segments.contains { entry >= $0.address && entry - $0.address < $0.memoryByteCount }
    guard let physicalEntry = physicalEntry ?? (isPhysical ? entry : nil) else { return .failure(.entryOutside(entry)) }
    return .success(ELFImage(segments: segments, entry: physicalEntry))
  }
}
