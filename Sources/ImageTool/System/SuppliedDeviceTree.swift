import DeviceTree
import Foundation
import Manifest
import Virtualization

/// A device tree that a VM brings itself: checked against what the VM has, and told of its command line and ramdisk.
struct SuppliedDeviceTree {
  private let bytes: [UInt8]
  private let configuration: VMConfiguration
  private let path: Located<String>

  /// Nil, with a finding, where the file is no device tree.
  init?(_ data: Data, _ path: Located<String>, of configuration: VMConfiguration, _ findings: Findings) {
    bytes = [UInt8](data)
    self.configuration = configuration
    self.path = path
    do {
      try withTree { _ in }
    } catch {
      findings.report(
        path.place, "the file is no device tree: \(Self.words(error))", advice: "a flattened tree, as dtc writes it")
      return nil
    }
  }

  private func withTree<Result>(_ body: (FlattenedDeviceTree) -> Result) throws -> Result {
    // SAFETY: the bytes stay until the closure returns, and nothing read from them leaves it.
    try bytes.withUnsafeBytes { body(try unsafe FlattenedDeviceTree($0)) }
  }

  private static func words(_ error: any Error) -> String {
    switch error as? DeviceTreeError {
    case .badMagic: "it does not begin with 0xd00dfeed"
    case .truncatedHeader, .truncatedStructure, .badBlock: "it is cut short"
    default: "it is damaged (\(error))"
    }
  }

  /// Reports what the tree says and the VM does not have.
  func check(_ findings: Findings) {
    try? withTree { tree in
      let cpus = tree.node(path: "/cpus")?.children.filter { $0.baseName == "cpu" && $0.isEnabled }.count ?? 0
      if cpus != configuration.vcpuCount {
        findings.report(
          path.place, "the device tree has \(cpus) CPUs, and the VM has \(configuration.vcpuCount)",
          advice: "as many nodes below /cpus as the VM has vCPUs",
          related: configuration.cpus.map { [.init(label: "the number of vCPUs", place: $0.place)] } ?? [])
      }
      var ranges: [DeviceTreeRegister] = []
      tree.visitNodes { node in
        if node.property("device_type")?.contains("memory") ?? false { ranges += Array(node.registers) }
        return .continue
      }
      for range in ranges where range.byteCount > 0 { checkMemory(range, findings) }
      tree.visitNodes { node in
        checkDevice(node, tree, findings)
        return .continue
      }
    }
  }

  private func checkMemory(_ register: DeviceTreeRegister, _ findings: Findings) {
    let range = GuestPhysicalRange(base: GuestPhysicalAddress(register.address), byteCount: register.byteCount)
    if let range, configuration.memory.contains(where: { $0.value.contains(range) }) { return }
    findings.report(
      path.place,
      "the device tree has memory of \(ByteSize.text(register.byteCount)) at \(hexadecimal(register.address)) that the VM does not have",
      advice: "memory nodes inside the VM's memory",
      related: configuration.memory.map { .init(label: "the VM's memory", place: $0.place) })
  }

  private func checkDevice(_ node: DeviceTreeNode, _ tree: FlattenedDeviceTree, _ findings: Findings) {
    let machine = configuration.architecture.guestMachine
    let conventions = configuration.architecture.guestConventions
    let devices = configuration.devices?.map(\.value) ?? [machine.uart, machine.clock]
    let places: [UInt64]
    if node.isCompatible(with: conventions.uart) {
      places = devices.filter { $0.kind == .uart }.map(\.base.rawValue)
    } else if node.isCompatible(with: conventions.clock) {
      places = devices.filter { $0.kind == .clock }.map(\.base.rawValue)
    } else if node.isCompatible(with: conventions.interruptController) {
      places = machine.reserved.map(\.base.rawValue).prefix(1).map { $0 }
    } else {
      return
    }
    guard node.isEnabled, let first = node.registers.first(where: { _ in true }),
      let register = tree.translate(first, of: node), !places.contains(register.address)
    else { return }
    findings.report(
      path.place,
      "the device tree has `\(String(decoding: node.name, as: UTF8.self))` at \(hexadecimal(register.address)), and the VM has no such device there",
      advice: places.isEmpty ? "a tree without it" : "the place " + places.map(hexadecimal).joined(separator: " or "))
  }

  /// The command line that the tree itself has, for a VM whose file says none.
  var commandLine: [UInt8] {
    (try? withTree { tree in
      tree.node(path: "/chosen")?.property("bootargs")?.string.map { [UInt8]($0) }
    }) ?? []
  }

  /// The tree with that command line and ramdisk in `/chosen`; see `rewriting`.
  func bytes(commandLine: [UInt8], ramdisk: GuestPhysicalRange?) -> [UInt8] {
    Self.rewriting(bytes, commandLine: commandLine, ramdisk: ramdisk) ?? bytes
  }

  /// A tree with the command line and ramdisk in its `/chosen`, each only where there is one, in place of its own. The
  /// size does not depend on where the ramdisk lies. Nil where the bytes are no tree.
  static func rewriting(_ bytes: [UInt8], commandLine: [UInt8], ramdisk: GuestPhysicalRange?) -> [UInt8]? {
    try? bytes.withUnsafeBytes { bytes in
      // SAFETY: the bytes stay until the closure returns, and nothing read from them leaves it.
      let tree = try unsafe FlattenedDeviceTree(bytes)
      var builder = DeviceTreeBuilder(bootCPU: tree.bootCPU)
      for reservation in tree.memoryReservations { builder.reserve(reservation) }
      copy(tree.root, commandLine, ramdisk, to: &builder)
      return builder.finish()
    }
  }

  private static func copy(
    _ node: DeviceTreeNode, _ commandLine: [UInt8], _ ramdisk: GuestPhysicalRange?, to builder: inout DeviceTreeBuilder
  ) {
    let isChosen = node.depth == 1 && node.name == "chosen"
    builder.beginNode([UInt8](node.name))
    for property in node.properties {
      let isOurs =
        property.name == "bootargs" || property.name == "linux,initrd-start" || property.name == "linux,initrd-end"
      if !isChosen || !isOurs { builder.property([UInt8](property.name), bytes: [UInt8](property.value)) }
    }
    if isChosen { writeChosen(commandLine, ramdisk, to: &builder) }
    for child in node.children { copy(child, commandLine, ramdisk, to: &builder) }
    if node.depth == 0, node.child("chosen") == nil {
      builder.beginNode("chosen")
      writeChosen(commandLine, ramdisk, to: &builder)
      builder.endNode()
    }
    builder.endNode()
  }

  private static func writeChosen(
    _ commandLine: [UInt8], _ ramdisk: GuestPhysicalRange?, to builder: inout DeviceTreeBuilder
  ) {
    if !commandLine.isEmpty { builder.property("bootargs", string: commandLine) }
    if let ramdisk {
      builder.property("linux,initrd-start", u64: ramdisk.base.rawValue)
      builder.property("linux,initrd-end", u64: ramdisk.base.rawValue + ramdisk.byteCount)
    }
  }
}
