import TestSupport
import Testing

@testable import DeviceTree

/// Bytes that are no tree, or nearly one: an error with a name, never a trap.
@Suite struct MalformedTreeTests {
  @Test func tooFewBytesForAHeader() { #expect(failure([0xd0, 0x0d, 0xfe, 0xed]) == .truncatedHeader) }

  @Test func wrongMagic() {
    #expect(failure(changed(at: 0, to: 0xfeed_f00d)) == .badMagic(0xfeed_f00d))
  }

  @Test func versionThatIsNewerThanThisReader() {
    #expect(failure(changed(at: 24, to: 18)) == .unsupportedVersion(version: 17, lastCompatible: 18))
  }

  @Test func versionWithoutSizeOfStructure() {
    #expect(failure(changed(at: 20, to: 16)) == .unsupportedVersion(version: 16, lastCompatible: 16))
  }

  @Test func structureBlockBeyondTotalSize() {
    #expect(failure(changed(at: 8, to: 0xffff_fff0)) == .badBlock(offset: 0xffff_fff0, byteCount: 32))
  }

  @Test func misalignedStructureBlock() {
    #expect(failure(changed(at: 8, to: 58)) == .badBlock(offset: 58, byteCount: 32))
  }

  @Test func stringsBlockThatOverlapsHeader() {
    #expect(failure(changed(at: 12, to: 8)) == .badBlock(offset: 8, byteCount: 2))
  }

  @Test func totalSizeSmallerThanBlocks() {
    #expect(failure(changed(at: 4, to: 64)) == .badBlock(offset: 56, byteCount: 32))
  }

  @Test func reservationsWithoutEnd() {
    var bytes = tree()
    bytes.replaceSubrange(40..<56, with: [UInt8](repeating: 1, count: 16))
    #expect(failure(bytes) == .unterminatedReservations)
  }

  @Test func unknownToken() {
    #expect(failure(changed(at: 64, to: 7)) == .unexpectedToken(7, offset: 64))
  }

  @Test func endTokenInsideANode() {
    #expect(failure(changed(at: 80, to: 9)) == .unexpectedToken(9, offset: 80))
  }

  @Test func missingEndToken() {
    #expect(failure(changed(at: 84, to: 4)) == .truncatedStructure(offset: 88))
  }

  @Test func propertyNameOutsideOfStrings() {
    #expect(failure(changed(at: 72, to: 2)) == .badName(offset: 68))
  }

  @Test func propertyValueLongerThanStructure() {
    #expect(failure(changed(at: 68, to: 0x7fff_ffff)) == .badValue(offset: 68))
  }

  @Test func secondRoot() {
    var bytes = tree()
    bytes.replaceSubrange(64..<84, with: words([2, 1, 0, 2, 4]))
    #expect(failure(bytes) == .unexpectedToken(1, offset: 68))
  }

  @Test func propertyAfterChild() {
    var builder = DeviceTreeBuilder()
    builder.beginNode("")
    builder.beginNode("child")
    builder.property("p", u32: 0)
    builder.endNode()
    builder.endNode()
    var bytes = builder.finish()
    // The child's property (16 bytes) and the child's end change places.
    let child = 56 + 8 + 12
    let property = Array(bytes[child..<child + 16])
    bytes.replaceSubrange(child..<child + 20, with: words([2]) + property)
    #expect(failure(bytes) == .propertyAfterChild(offset: child + 4))
  }

  @Test func nestingAtTheLimitIsReadAndOneMoreIsNot() {
    #expect(failure(nested(FlattenedDeviceTree.maximumDepth)) == nil)
    let offset = 56 + 8 + (FlattenedDeviceTree.maximumDepth - 1) * 8
    #expect(failure(nested(FlattenedDeviceTree.maximumDepth + 1)) == .tooDeep(offset: offset))
  }

  @Test(arguments: Fixture.allCases) func mutatedTreesNeverTrap(_ fixture: Fixture) throws {
    let original = try fixture.bytes()
    var generator = SeededGenerator(seed: 0x41707573)
    var readable = 0
    for _ in 0..<300 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...8, using: &generator) {
        // Half of the changes hit the header, the reservations and the first nodes, where most depends on them.
        let end = Bool.random(using: &generator) ? 128 : bytes.count
        bytes[Int.random(in: 0..<end, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      let lines = try? withTree(bytes, everything)
      readable += lines == nil ? 0 : 1
    }
    #expect(readable > 0)
  }

  @Test(arguments: Fixture.allCases) func cutTreesAreRefused(_ fixture: Fixture) throws {
    let original = try fixture.bytes()
    let used = try withTree(original) { $0.usedByteCount }
    for end in stride(from: 0, to: used, by: 7) {
      #expect(failure(Array(original[..<end])) != nil)
    }
  }

  // MARK: Helpers

  private func failure(_ bytes: [UInt8]) -> DeviceTreeError? {
    do {
      try withTree(bytes) { _ in }
      return nil
    } catch { return error as? DeviceTreeError }
  }

  /// Header 0..<40, end of reservations 40..<56, root 56..<64, property `p` 64..<80, end of root 80, end 84, strings 88.
  private func tree() -> [UInt8] {
    var builder = DeviceTreeBuilder()
    builder.beginNode("")
    builder.property("p", u32: 0)
    builder.endNode()
    return builder.finish()
  }

  private func changed(at offset: Int, to word: UInt32) -> [UInt8] {
    var bytes = tree()
    bytes.replaceSubrange(offset..<offset + 4, with: words([word]))
    return bytes
  }

  private func words(_ values: [UInt32]) -> [UInt8] {
    values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
  }

  private func nested(_ depth: Int) -> [UInt8] {
    var builder = DeviceTreeBuilder()
    builder.beginNode("")
    for _ in 1..<depth { builder.beginNode("n") }
    for _ in 0..<depth { builder.endNode() }
    return builder.finish()
  }
}
