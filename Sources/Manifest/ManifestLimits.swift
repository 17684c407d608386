/// How much a manifest may ask for. The hypervisor's tables have these sizes.
public enum ManifestLimits {
  public static let vms = 16
  /// One SGI target list (Arm GIC IHI 0069, ICC_SGI1R_EL1) reaches that many.
  public static let vcpus = 16
  public static let memoryRanges = 8
  public static let images = 16
  public static let devices = 32
  public static let nameByteCount = 31
  /// Linux, `arch/arm64/include/uapi/asm/setup.h`: 2048 with the zero at the end.
  public static let commandLineByteCount = 2047
  /// Linux, `Documentation/arch/arm64/booting.rst`: the tree must not exceed 2 MiB.
  public static let deviceTreeByteCount: UInt64 = 2 << 20
  /// Alignment of guest memory, and of images in the bundle.
  public static let pageByteCount: UInt64 = 4096
  /// Physical CPUs are named by a bit of a 64-bit mask.
  public static let physicalCPUs = 64
}
