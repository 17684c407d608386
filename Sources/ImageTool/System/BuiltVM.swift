import Foundation
import Manifest
import Virtualization

/// A VM whose files were read and placed. Offsets into the bundle are not known yet.
struct BuiltVM {
  var manifest: VMManifest
  /// The bytes of each image, in the manifest's order.
  var payloads: [Data]
  /// What each image is and where the configuration speaks of it, in the manifest's order.
  var sources: [Source]
  let configuration: VMConfiguration

  struct Source {
    let label: String
    let place: SourcePlace
    /// The file, as the configuration names it.
    let path: String
  }
}
