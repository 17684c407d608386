import Foundation
import Manifest

/// What the firmware's loader hands to the hypervisor: the manifest, then the images, each at a multiple of 4 KiB.
public struct SystemBundle {
  public let manifest: SystemManifest
  public let data: Data

  /// Why a file is no bundle, in words.
  public struct ReadError: Error, CustomStringConvertible {
    public let description: String
  }

  /// Puts a system together. Images with the same bytes are there once.
  public static func make(from system: SystemDescription) -> SystemBundle {
    var manifest = system.manifest
    var end = aligned(UInt64(manifest.encode().count))
    var parts: [(offset: UInt64, data: Data)] = []
    for (vmIndex, vm) in system.vms.enumerated() {
      for (imageIndex, payload) in vm.payloads.enumerated() {
        if let known = parts.first(where: { $0.data == payload }) {
          manifest.vms[vmIndex].images[imageIndex].bundleOffset = known.offset
          continue
        }
        manifest.vms[vmIndex].images[imageIndex].bundleOffset = end
        parts.append((end, payload))
        end = aligned(end + UInt64(payload.count))
      }
    }
    manifest.bundleByteCount = end
    var data = Data(manifest.encode())
    data.reserveCapacity(Int(end))
    for part in parts {
      data.append(Data(count: Int(part.offset) - data.count))
      data.append(part.data)
    }
    data.append(Data(count: Int(end) - data.count))
    return SystemBundle(manifest: manifest, data: data)
  }

  /// Reads a bundle as the hypervisor of its architecture does, and refuses what that would refuse.
  public static func read(_ data: Data) throws(ReadError) -> SystemBundle {
    for architecture in Architecture.allCases {
      if let bundle = try read(data, of: architecture) { return bundle }
    }
    throw ReadError(description: "this is no bundle: \(ManifestError.otherArchitecture.reason)")
  }

  /// Nil where the bundle is for another architecture.
  private static func read(_ data: Data, of architecture: Architecture) throws(ReadError) -> SystemBundle? {
    var rejected: [String] = []
    let manifest: SystemManifest
    do {
      manifest = try data.withUnsafeBytes { bytes throws(ManifestError) in
        // SAFETY: the bytes stay until the closure returns, and nothing read from them leaves it.
        try unsafe SystemManifest(bundle: bytes, architecture: architecture) {
          rejected.append("the hypervisor would refuse VM \($0): \($1.reason)")
        }
      }
    } catch ManifestError.otherArchitecture {
      return nil
    } catch let error as ManifestError {
      throw ReadError(description: "this is no bundle: \(error.reason)")
    } catch {
      throw ReadError(description: "\(error)")
    }
    if let first = rejected.first { throw ReadError(description: first) }
    return SystemBundle(manifest: manifest, data: data)
  }

  /// Writes the file whole or not at all.
  public func write(to url: URL) throws { try data.write(to: url, options: .atomic) }

  private static func aligned(_ offset: UInt64) -> UInt64 {
    let page = ManifestLimits.pageByteCount
    return (offset + page - 1) / page * page
  }
}
