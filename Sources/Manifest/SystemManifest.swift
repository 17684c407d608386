import Virtualization

/// What the command line made of the configuration, and all that the hypervisor knows of it.
///
/// It travels as a flattened device tree at the start of the bundle; the images follow, each at a multiple of 4 KiB.
public struct SystemManifest: Equatable, Sendable {
  /// Raised when an older hypervisor would misread the tree.
  public static let formatVersion: UInt32 = 1

  public var architecture: Architecture
  public var whenAllStopped: WhenAllStopped
  public var logLevel: LogLevel
  /// Bytes of the whole bundle, the manifest included.
  public var bundleByteCount: UInt64
  public var vms: [VMManifest]

  public init(
    architecture: Architecture, whenAllStopped: WhenAllStopped = .powerOff, logLevel: LogLevel = .info,
    bundleByteCount: UInt64 = 0, vms: [VMManifest]
  ) {
    self.architecture = architecture
    self.whenAllStopped = whenAllStopped
    self.logLevel = logLevel
    self.bundleByteCount = bundleByteCount
    self.vms = vms
  }
}
