import Testing

@testable import apus

/// Fields by Linux Documentation/driver-api/early-userspace/buffer-format.rst: "070701", then 13 numbers of 8 digits.
struct CPIOArchiveTests {
  private func field(_ index: Int, of record: ArraySlice<UInt8>) -> UInt32? {
    let start = record.startIndex + 6 + index * 8
    return UInt32(String(decoding: record[start..<start + 8], as: UTF8.self), radix: 16)
  }

  @Test func emptyArchiveIsTheTrailerPaddedTo512Bytes() {
    let bytes = CPIOArchive().finished()
    #expect(bytes.count == 512)
    #expect(String(decoding: bytes[..<6], as: UTF8.self) == "070701")
    #expect(String(decoding: bytes[110..<120], as: UTF8.self) == "TRAILER!!!")
  }

  @Test func fileHasItsModeSizeNameAndDataAtMultiplesOfFour() {
    var archive = CPIOArchive()
    archive.addFile("init", Array("hello".utf8), permissions: 0o755)
    let bytes = archive.finished()[...]
    #expect(field(1, of: bytes) == 0o100755)
    #expect(field(6, of: bytes) == 5)
    #expect(field(11, of: bytes) == 5)  // "init" and its zero
    // 110 bytes of header and 5 of name: the data begins at 116.
    #expect(String(decoding: bytes[116..<121], as: UTF8.self) == "hello")
    #expect(String(decoding: bytes[124..<130], as: UTF8.self) == "070701")
  }

  @Test func foldersAboveAFileComeFirstAndOnce() {
    var archive = CPIOArchive()
    archive.addFile("a/b/c", [])
    archive.addFile("a/b/d", [])
    let text = String(decoding: archive.finished(), as: UTF8.self)
    let names = text.split(separator: "070701").map { $0.dropFirst(104).prefix { $0 != "\0" } }
    #expect(names == ["a", "a/b", "a/b/c", "a/b/d", "TRAILER!!!"])
  }

  @Test func consoleIsACharacterDeviceWithItsNumbers() {
    var archive = CPIOArchive()
    archive.addCharacterDevice("console", major: 5, minor: 1)
    let bytes = archive.finished()[...]
    #expect(field(1, of: bytes) == 0o020600)
    #expect(field(9, of: bytes) == 5)
    #expect(field(10, of: bytes) == 1)
  }

  @Test func linkHoldsItsTarget() {
    var archive = CPIOArchive()
    archive.addLink("sh", to: "busybox")
    let bytes = archive.finished()[...]
    #expect(field(1, of: bytes) == 0o120777)
    #expect(String(decoding: bytes[116..<123], as: UTF8.self) == "busybox")
  }

  @Test func sameContentsGiveTheSameArchive() {
    func make() -> [UInt8] {
      var archive = CPIOArchive()
      archive.addFile("bin/sh", [1, 2, 3])
      return archive.finished()
    }
    #expect(make() == make())
  }
}
