import Testing

@testable import Manifest

/// Whatever bytes a loader gives: an error or a manifest that passes its own checks, never a trap.
@Suite struct MutatedManifestTests {
  @Test(arguments: 0..<8) func mutatedBytesNeverTrap(_ seed: Int) {
    let original = bundle(sampleSystem())
    let manifestByteCount = sampleSystem().encode().count
    var generator = SeededGenerator(state: UInt64(seed))
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

/// A small generator whose numbers depend on nothing but the seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}
