import TestSupport
import Testing

@testable import Manifest

/// Whatever bytes a loader gives: an error or a manifest that passes its own checks, never a trap.
@Suite struct MutatedManifestTests {
  @Test(arguments: 0..<8) func mutatedBytesNeverTrap(_ seed: Int) {
    let original = bundle(sampleSystem())
    let manifestByteCount = sampleSystem().encode().count
    var generator = SeededGenerator(seed: UInt64(seed))
    var accepted = 0
    for _ in 0..<1000 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let index = Int.random(in: 0..<manifestByteCount, using: &generator)
        bytes[index] = Bool.random(using: &generator) ? 0xff : UInt8.random(in: 0...255, using: &generator)
      }
      guard let decoded = try? Decoded(bytes) else { continue }
      accepted += 1
      #expect(problemCount(decoded.manifest) == 0)
      #expect(decoded.manifest.vms.count + decoded.rejected.count <= ManifestLimits.vms)
    }
    #expect(accepted > 0)
  }

  private func problemCount(_ manifest: SystemManifest) -> Int {
    var count = 0
    for vm in manifest.vms.indices { manifest.visitProblems(ofVM: vm) { _ in count += 1 } }
    return count
  }
}
