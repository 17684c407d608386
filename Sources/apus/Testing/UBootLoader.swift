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
    func hexadecimal(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }
    let end = Self.bundleAddress + UInt64(bundle.byteCount ?? 0)
    return [
      BootTest.Typing(after: "Hit any key to stop autoboot", text: " "),
      BootTest.Typing(after: "=> ", text: "setenv bootargs \(bootArguments)\n"),
      // booti takes a ramdisk that begins like a device tree for an image of its own, so the tree is told by hand.
      BootTest.Typing(after: "=> ", text: "fdt addr ${fdt_addr} && fdt resize 4096\n"),
      BootTest.Typing(after: "=> ", text: "fdt chosen \(hexadecimal(Self.bundleAddress)) \(hexadecimal(end))\n"),
      BootTest.Typing(after: "=> ", text: "booti \(hexadecimal(Self.imageAddress)) - ${fdt_addr}\n"),
    ]
  }
}
