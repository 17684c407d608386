import Foundation

@testable import DeviceTree

/// A tree that QEMU made; see `Fixtures/README.md`.
enum Fixture: String, CaseIterable {
  case aarch64GICv2 = "aarch64-virt-gicv2"
  case aarch64GICv3 = "aarch64-virt-gicv3"
  case aarch64SMMU = "aarch64-virt-smmu-its"
  case versal = "aarch64-versal"
  case riscv64 = "riscv64-virt"
  case riscv64AIA = "riscv64-virt-aia"
  case sifive = "riscv64-sifive_u"
  case spike = "riscv64-spike"

  func bytes() throws -> [UInt8] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    return [UInt8](try Data(contentsOf: folder.appending(path: rawValue + ".dtb")))
  }
}

/// Reads `bytes` as a tree for the time of `body`.
func withTree<Result>(_ bytes: [UInt8], _ body: (FlattenedDeviceTree) throws -> Result) throws -> Result {
  try bytes.withUnsafeBytes { try body(try FlattenedDeviceTree($0)) }
}

extension DeviceTreeBytes {
  var text: String { String(decoding: self, as: UTF8.self) }
}

/// Everything a tree says, asked through the public interface, as lines.
func everything(in tree: FlattenedDeviceTree) -> [String] {
  var lines = tree.memoryReservations.map { "reserve \($0.address) \($0.byteCount)" }
  tree.visitNodes { node in
    lines.append("node \(node.depth) \(node.name.text) \(node.baseName.text) \(node.isEnabled) \(node.phandle ?? 0)")
    for register in node.registers {
      lines.append("reg \(register) \(String(describing: tree.translate(register, of: node)))")
    }
    for property in node.properties {
      lines.append("property \(property.name.text) \([UInt8](property.value))")
      lines += property.strings.map { "string \($0.text)" }
      lines += (0..<min(property.cellCount, 4)).map { "cell \(property.cell($0) ?? 0)" }
    }
    return .continue
  }
  return lines
}
