import Manifest
import Testing

@testable import apus

struct GuestKitTests {
  @Test func kitsAreFoundByTheFilesThatAConfigurationNames() {
    let text = #"path = "../.cache/guests/aarch64/trixie-cloud/Image""#
    #expect(GuestKit.named(in: [text], .aarch64).map(\.name) == ["trixie-cloud"])
    #expect(GuestKit.named(in: [#"path = ".cache/guests/aarch64/Image""#], .aarch64) == [.demo])
    #expect(GuestKit.named(in: ["path = \"Image\""], .aarch64) == [])
  }

  @Test func namesAndFoldersAreDistinct() {
    #expect(Set(GuestKit.all.map(\.name)).count == GuestKit.all.count)
    #expect(Set(GuestKit.all.map(\.folder)).count == GuestKit.all.count)
  }
}
