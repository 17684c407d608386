/// How the hypervisor reaches the machine's RAM: on the bare machine through the direct map, in a host test through an arena.
public protocol PhysicalMemory {
  /// Where the byte at `address` can be read and written. The caller owns the frame that holds it.
  @unsafe static func pointer(to address: HostPhysicalAddress) -> UnsafeMutableRawPointer
}
