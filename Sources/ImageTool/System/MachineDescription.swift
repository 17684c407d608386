import Manifest

/// The machine that a system is for.
public struct MachineDescription: Equatable, Sendable {
  public var cpus: Int
  /// Bytes of RAM.
  public var memory: UInt64

  public init(cpus: Int, memory: UInt64) {
    self.cpus = cpus
    self.memory = memory
  }

  /// What holds where nobody says otherwise.
  public static let standard = MachineDescription(cpus: 4, memory: 2 << 30)

  /// What the hypervisor keeps of the RAM for its image, its tables and its heap, in bytes.
  static let hypervisorByteCount: UInt64 = 64 << 20
}
