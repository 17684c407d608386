import Foundation
import Manifest
import Testing

@testable import apus

struct GuestKitTests {
  private let repository: Repository

  init() {
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardizedFileURL
    repository = Repository(root: root)
  }

  @Test(arguments: Architecture.allCases) func namesAndFoldersAreDistinct(_ architecture: Architecture) {
    let kits = GuestKit.all(architecture)
    #expect(Set(kits.map(\.name)).count == kits.count)
    #expect(Set(kits.map(\.folder)).count == kits.count)
    #expect(kits.first?.name == GuestKit.demoName)
  }

  @Test(arguments: Architecture.allCases) func demoNamesTheKitOfItsArchitecture(_ architecture: Architecture) {
    let store = GuestStore(repository: repository, architecture: architecture)
    let demo = repository.file("Configs/demo.toml").path
    #expect(BootConfiguration(paths: [demo], store: store).kits.map(\.name) == ["demo"])
  }

  @Test func configurationThatNamesNoGuestNeedsNoKit() {
    let store = GuestStore(repository: repository, architecture: .aarch64)
    let smoke = repository.file("Configs/smoke.toml").path
    #expect(BootConfiguration(paths: [smoke], store: store).kits == [])
  }
}
