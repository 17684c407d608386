import Kernel
public struct ProvisionalMemory<M: PhysicalMemory>: ~Copyable {
  struct Block { let g: GuestPhysicalAddress; let h: HostPhysicalAddress; let n: UInt64 }
  var blocks: [Block] = []
  public init?(_ r: [GuestPhysicalRange], from f: FrameAllocator<M>) {
    for x in r {
      var o: UInt64 = 0
      while o < x.byteCount {
        guard let h = f.allocate(.large) else { return nil }
        blocks.append(Block(g: GuestPhysicalAddress(x.base.rawValue + o), h: h, n: 2 << 20))
        o += 2 << 20
      }
    }
  }
  public func forEachBlock(_ f: (GuestPhysicalAddress, HostPhysicalAddress, UInt64) -> Void) {
    for b in blocks { f(b.g, b.h, b.n) }
  }
  public mutating func clear(_ b: () -> Void) {
    for x in blocks { unsafe M.pointer(to: x.h).initializeMemory(as: UInt8.self, repeating: 0, count: Int(x.n)); b() }
  }
  func find(_ a: GuestPhysicalAddress) -> Block? {
    for b in blocks where a.rawValue >= b.g.rawValue && a.rawValue < b.g.rawValue + b.n { return b }; return nil
  }
  public func byte(at a: GuestPhysicalAddress) -> UInt8? {
    guard let b = find(a) else { return nil };
    return unsafe M.pointer(to: b.h).load(fromByteOffset: Int(a.rawValue - b.g.rawValue), as: UInt8.self)
  }
  @unsafe public func write(_ s: UnsafeRawBufferPointer, at a: GuestPhysicalAddress) -> Bool {
    var done = 0
    while done < s.count {
      let p = GuestPhysicalAddress(a.rawValue + UInt64(done))
      guard let b = find(p) else { return false }
      let off = p.rawValue - b.g.rawValue
      let n = min(Int(b.n - off), s.count - done)
      unsafe (M.pointer(to: b.h) + Int(off)).copyMemory(from: s.baseAddress.unsafelyUnwrapped + done, byteCount: n)
      done += n
    }
    return true
  }
  public func write(_ b: [UInt8], at a: GuestPhysicalAddress) -> Bool {
    unsafe b.withUnsafeBytes { unsafe write($0, at: a) }
  }
  public func contains(_ g: GuestPhysicalAddress, byteCount: UInt64) -> Bool { find(g) != nil }
}
