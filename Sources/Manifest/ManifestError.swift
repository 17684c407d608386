import DeviceTree

/// Why a bundle, or one of its VMs, is not accepted.
public enum ManifestError: Error, Equatable, Sendable {
  case tree(DeviceTreeError)
  /// A device tree, but not a manifest.
  case notAManifest
  case otherFormatVersion(UInt32)
  case otherArchitecture
  /// Fewer bytes than the manifest says that the bundle has, or a manifest larger than the bundle.
  case truncatedBundle
  case tooManyVMs
  /// A property that is missing, or whose value cannot be read.
  case badProperty(ManifestKey)
  case problem(ManifestProblem)

  /// The error in words, for the hypervisor's log.
  public var reason: StaticString {
    switch self {
    case .tree: "it is not a well-formed device tree"
    case .notAManifest: "it is a device tree, but not a manifest"
    case .otherFormatVersion: "it was written for another version of the hypervisor"
    case .otherArchitecture: "it was written for another architecture"
    case .truncatedBundle: "it says that there are more bytes than there are"
    case .tooManyVMs: "it has more VMs than the hypervisor has room for"
    case .badProperty: "a property is missing or cannot be read"
    case .problem(let problem): problem.reason
    }
  }
}
