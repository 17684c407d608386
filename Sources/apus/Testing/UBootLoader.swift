import Foundation

/// Boots the hypervisor as a board does: by U-Boot's `booti`, at another address than QEMU's own loader takes.
struct UBootLoader {
  let image: URL
  let bundle: URL
  let bootArguments: String

  private static let imageAddress: UInt64 = 0x6400_0000
  private static let bundleAddress: UInt64 = 0x7000_0000

  func start(firmware: URL) -> QEMUCommand.Start {
    .firmware(
      firmware.path,
      loaded: [
        QEMUCommand.LoadedFile(path: image.path, address: Self.imageAddress),
        QEMUCommand.LoadedFile(path: bundle.path, address: Self.bundleAddress),
      ])
  }

  /// What is typed at U-Boot's prompt.
  var typings: [BootTest.Typing] {
    let size = String(bundle.byteCount ?? 0, radix: 16)
    let image = String(Self.imageAddress, radix: 16)
    let bundle = String(Self.bundleAddress, radix: 16)
    return [
      BootTest.Typing(after: "Hit any key to stop autoboot", text: " "),
      BootTest.Typing(after: "=> ", text: "setenv bootargs \(bootArguments)\n"),
      BootTest.Typing(after: "=> ", text: "booti 0x\(image) 0x\(bundle):0x\(size) ${fdt_addr}\n"),
    ]
  }
}
