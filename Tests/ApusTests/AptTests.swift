import Testing

@testable import apus

struct AptTests {
  @Test func mirrorIsTheArchiveWithItsSecurityUpdates() {
    let mirror = DebianMirror.parse(
      """
      http://mirror.example/debian-security/ bookworm-security $(SIGNED_BY)
      http://mirror.example/debian/ bookworm-updates $(SIGNED_BY)
      http://mirror.example/debian/ bookworm $(SIGNED_BY)
      """)
    #expect(
      mirror
        == DebianMirror(
          archive: "http://mirror.example/debian/", security: "http://mirror.example/debian-security/",
          keyring: "/usr/share/keyrings/debian-archive-keyring.gpg"))
  }

  @Test func keyringOfTheSourceIsTaken() {
    let mirror = DebianMirror.parse("http://mirror.example/debian/ trixie /etc/apt/keyrings/ours.gpg")
    #expect(mirror?.keyring == "/etc/apt/keyrings/ours.gpg")
    #expect(mirror?.security == nil)
  }

  @Test func machineWithoutDebianSourcesHasNoMirror() {
    #expect(DebianMirror.parse("http://mirror.example/ubuntu/ noble $(SIGNED_BY)\n") == nil)
    #expect(DebianMirror.parse("") == nil)
  }

  @Test func metapackageResolvesToTheNumberedPackage() {
    let output = """
      linux-image-cloud-arm64
        Depends: linux-image-virtual
        Depends: linux-image-6.1.0-50-cloud-arm64
      """
    #expect(AptRoot.dependency(in: output, prefix: "linux-image-") == "linux-image-6.1.0-50-cloud-arm64")
    #expect(AptRoot.dependency(in: "linux-image-cloud-arm64\n", prefix: "linux-image-") == nil)
  }

  @Test func fieldIsReadFromTheFirstParagraph() {
    #expect(AptRoot.field("Version", in: "Package: a\nVersion: 1:2-3\n\nPackage: a\nVersion: 1\n") == "1:2-3")
    #expect(AptRoot.field("Version", in: "Package: a\n") == nil)
  }
}
