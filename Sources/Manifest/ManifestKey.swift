/// The names of the manifest's properties, each written and read in one way.
public enum ManifestKey: Sendable {
  case compatible
  case formatVersion
  case architecture
  case whenAllStopped
  case logLevel
  case bundleByteCount
  case name
  case affinity
  case exclusiveCPUs
  case memory
  case entry
  case bootProtocol
  case deviceTree
  case deviceTreePlace
  case commandLine
  case autostart
  case onReset
  case onFailure
  case idle
  case kind
  case place
  case bundleOffset
  case byteCount
  case interrupt

  var name: StaticString {
    switch self {
    case .compatible: "compatible"
    case .formatVersion: "format-version"
    case .architecture: "architecture"
    case .whenAllStopped: "when-all-stopped"
    case .logLevel: "log-level"
    case .bundleByteCount: "bundle-byte-count"
    case .name: "vm-name"
    case .affinity: "affinity"
    case .exclusiveCPUs: "exclusive-cpus"
    case .memory: "memory"
    case .entry: "entry"
    case .bootProtocol: "boot-protocol"
    case .deviceTree: "device-tree"
    case .deviceTreePlace: "device-tree-place"
    case .commandLine: "command-line"
    case .autostart: "autostart"
    case .onReset: "on-reset"
    case .onFailure: "on-failure"
    case .idle: "idle"
    case .kind: "kind"
    case .place: "reg"
    case .bundleOffset: "bundle-offset"
    case .byteCount: "byte-count"
    case .interrupt: "interrupt"
    }
  }
}
