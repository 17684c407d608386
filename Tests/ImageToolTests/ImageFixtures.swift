import DeviceTree
import Foundation

/// Small image files of every kind, good and bad, made from the formats' own descriptions.
enum ImageFixtures {
  /// A folder with every file of `files`.
  static func write(to folder: URL) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (name, bytes) in files { try Data(bytes).write(to: folder.appending(path: name)) }
    for (name, source) in [("Image.gz", image()), ("kernel.elf.gz", elf())] {
      try packed(source, by: "gzip").write(to: folder.appending(path: name))
    }
    try Data(zboot(packed(image(), by: "gzip"), "gzip")).write(to: folder.appending(path: "zboot-gzip.efi"))
    try Data(zboot(packed(image(), by: "zstd"), "zstd")).write(to: folder.appending(path: "zboot-zstd.efi"))
    try packed(image(), by: "gzip").dropLast(20).write(to: folder.appending(path: "cut.gz"))
  }

  private static let files: [String: [UInt8]] = [
    "Image": image(),
    "big-endian.Image": image(flags: 0xb),
    "no-size.Image": image(memoryByteCount: 0),
    "small-size.Image": image(memoryByteCount: 0x100),
    "large.Image": image(memoryByteCount: 512 << 20),
    "riscv.Image": image(textOffset: 0x20_0000, flags: 0, magic: [0x52, 0x53, 0x43, 0x05]),
    "riscv.elf": changed(elf(), at: 18, to: [243]),
    "bzImage": [UInt8](repeating: 0, count: 0x202) + Array("HdrS".utf8) + [UInt8](repeating: 0, count: 0x100),
    "kernel.elf": elf(),
    "elf32": changed(elf(), at: 4, to: [1]),
    "elf-big-endian": changed(elf(), at: 5, to: [2]),
    "elf-x86": changed(elf(), at: 18, to: [62]),
    "elf-object": changed(elf(), at: 16, to: [1]),
    "elf-cut": Array(elf().dropLast(8)),
    "elf-empty": changed(changed(elf(), at: 64, to: [4]), at: 120, to: [4]),
    "elf-entry": changed(elf(), at: 24, to: [0, 0, 0, 0x50]),
    "zboot-lzma.efi": zboot(Data([1, 2, 3]), "lzma"),
    "zboot-cut.efi": Array(zboot(Data([1, 2, 3]), "gzip").dropLast(1)),
    "raw.bin": [UInt8](repeating: 0xa5, count: 0x800),
    "text": Array("not a kernel\n".utf8),
    "empty": [],
    "ramdisk.cpio": Array("070701".utf8) + [UInt8](repeating: 0x30, count: 104),
    "guest.dtb": deviceTree(),
    "three-cpus.dtb": deviceTree(cpus: 3),
    "more-memory.dtb": deviceTree(memory: 256 << 20),
    "other-uart.dtb": deviceTree(uart: 0x0904_0000),
    "large.dtb": deviceTree(padding: 2 << 20),
    "cut.dtb": Array(deviceTree().dropLast(40)),
  ]

  /// An `Image` of 4 KiB, arm64's unless `magic` says another (Linux, `Documentation/arch/arm64/booting.rst`,
  /// `Documentation/arch/riscv/boot-image-header.rst`).
  static func image(
    textOffset: UInt64 = 0, memoryByteCount: UInt64 = 0x1_0000, flags: UInt64 = 0xa,
    magic: [UInt8] = [0x41, 0x52, 0x4d, 0x64]
  ) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 4096)
    bytes.replaceSubrange(8..<16, with: little(textOffset))
    bytes.replaceSubrange(16..<24, with: little(memoryByteCount))
    bytes.replaceSubrange(24..<32, with: little(flags))
    bytes.replaceSubrange(56..<60, with: magic)
    return bytes
  }

  /// An ELF64 with code of 16 bytes at 0x4020_0000 and 0x1000 bytes of zeroes at 0x4020_1000, linked at 0xffff_0000_0000_0000.
  static func elf() -> [UInt8] {
    var bytes: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
    bytes += [2, 0, 183, 0, 1, 0, 0, 0]
    bytes += little(0xffff_0000_4020_0004) + little(64) + little(0) + [0, 0, 0, 0]
    bytes += [64, 0, 56, 0, 2, 0, 0, 0, 0, 0, 0, 0]
    bytes += [1, 0, 0, 0, 5, 0, 0, 0] + little(176) + little(0xffff_0000_4020_0000) + little(0x4020_0000)
    bytes += little(16) + little(16) + little(0x1000)
    bytes += [1, 0, 0, 0, 6, 0, 0, 0] + little(176) + little(0xffff_0000_4020_1000) + little(0x4020_1000)
    bytes += little(0) + little(0x1000) + little(0x1000)
    return bytes + Array(0..<16)
  }

  /// An EFI zboot file (Linux, `drivers/firmware/efi/libstub/zboot-header.S`).
  private static func zboot(_ payload: Data, _ compression: String) -> [UInt8] {
    var bytes: [UInt8] = [0x4d, 0x5a, 0, 0] + Array("zimg".utf8)
    bytes += little(UInt64(64) | UInt64(payload.count) << 32) + little(0)
    bytes += Array(compression.utf8) + [UInt8](repeating: 0, count: 40 - compression.utf8.count)
    return bytes + [UInt8](payload)
  }

  static func deviceTree(
    cpus: UInt64 = 2, memory: UInt64 = 64 << 20, uart: UInt64 = 0x0900_0000, padding: Int = 0
  ) -> [UInt8] {
    var tree = DeviceTreeBuilder()
    tree.beginNode("")
    tree.property("#address-cells", u32: 2)
    tree.property("#size-cells", u32: 2)
    if padding > 0 { tree.property("padding", bytes: [UInt8](repeating: 0, count: padding)) }
    tree.beginNode("chosen")
    tree.property("bootargs", string: "old")
    tree.property("stdout-path", string: "/pl011@9000000")
    tree.endNode()
    tree.beginNode("memory", at: 0x4000_0000)
    tree.property("device_type", string: "memory")
    tree.property("reg", doublewords: [0x4000_0000, memory])
    tree.endNode()
    tree.beginNode("cpus")
    tree.property("#address-cells", u32: 1)
    tree.property("#size-cells", u32: 0)
    for cpu in 0..<cpus {
      tree.beginNode("cpu", at: cpu)
      tree.property("reg", u32: UInt32(cpu))
      tree.endNode()
    }
    tree.endNode()
    tree.beginNode("pl011", at: uart)
    tree.property("compatible", strings: ["arm,pl011", "arm,primecell"])
    tree.property("reg", doublewords: [uart, 0x1000])
    tree.endNode()
    tree.endNode()
    return tree.finish()
  }

  private static func packed(_ bytes: [UInt8], by tool: String) throws -> Data {
    let input = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: input) }
    try Data(bytes).write(to: input)
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [tool, "-c"]
    process.standardInput = try FileHandle(forReadingFrom: input)
    process.standardOutput = output
    try process.run()
    let result = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return result
  }

  private static func little(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private static func changed(_ bytes: [UInt8], at offset: Int, to new: [UInt8]) -> [UInt8] {
    Array(bytes[..<offset]) + new + Array(bytes[(offset + new.count)...])
  }
}
