/// What a PVH loader hands over: `struct hvm_start_info` (Xen, public/arch-x86/hvm/start_info.h).
struct StartInfo<Memory: TableMemory> {
  private let memory: Memory
  private let info: TableBytes

  static var byteCount: Int { 56 }
  private static var magic: UInt32 { 0x336e_c578 }
  /// More entries than any firmware's map has.
  private static var entryLimit: UInt32 { 1024 }

  /// Nil where there is none, or one without a memory map (before version 1).
  init?(at address: UInt64, memory: Memory) {
    guard let info = memory.bytes(at: address, count: Self.byteCount), info.u32(0) == Self.magic,
      let version = info.u32(4), version >= 1
    else { return nil }
    self.memory = memory
    self.info = info
  }

  /// Where the first module is, and its bytes.
  var module: (address: UInt64, byteCount: UInt64)? {
    guard let count = info.u32(12), count > 0, let place = info.u64(16), place != 0,
      let entry = memory.bytes(at: place, count: 32), let address = entry.u64(0), let size = entry.u64(8), size > 0
    else { return nil }
    return (address, size)
  }

  /// Where the command line is, a text that ends with a zero; 0 where there is none.
  var commandLineAddress: UInt64 { info.u64(24) ?? 0 }

  /// Where the ACPI root pointer is; 0 where the loader does not say.
  var rootPointer: UInt64 { info.u64(32) ?? 0 }

  /// Each entry of the memory map: first address, bytes, and whether it is RAM that is free (type 1).
  func forEachMemoryRange(_ body: (UInt64, UInt64, Bool) -> Void) {
    guard let place = info.u64(40), let count = info.u32(48) else { return }
    for index in 0..<min(count, Self.entryLimit) {
      let (address, overflow) = place.addingReportingOverflow(UInt64(index) * 24)
      guard !overflow, let entry = memory.bytes(at: address, count: 24), let base = entry.u64(0),
        let byteCount = entry.u64(8), let type = entry.u32(16)
      else { return }
      body(base, byteCount, type == 1)
    }
  }
}
