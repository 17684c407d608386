import DeviceTree
import Virtualization

extension SystemManifest {
  static let model: StaticString = "apus,manifest"

  /// The manifest as a flattened device tree. Its size does not depend on any address, offset or size in it.
  public func encode() -> [UInt8] {
    var tree = DeviceTreeBuilder()
    tree.beginNode("")
    tree.property("#address-cells", u32: 2)
    tree.property("#size-cells", u32: 2)
    tree.write(.compatible, Self.model)
    tree.property(ManifestKey.formatVersion.name, u32: Self.formatVersion)
    tree.write(.architecture, architecture.word)
    tree.write(.whenAllStopped, whenAllStopped.word)
    tree.write(.logLevel, logLevel.word)
    tree.write(.bundleByteCount, [bundleByteCount])
    for (index, vm) in vms.enumerated() {
      tree.beginNode("vm", at: UInt64(index))
      vm.encode(to: &tree)
      tree.endNode()
    }
    tree.endNode()
    return tree.finish()
  }
}

extension VMManifest {
  fileprivate func encode(to tree: inout DeviceTreeBuilder) {
    tree.property("#address-cells", u32: 2)
    tree.property("#size-cells", u32: 2)
    tree.property(ManifestKey.name.name, string: name)
    tree.write(.affinity, vcpus.map { $0.affinity })
    if exclusiveCPUs { tree.property(ManifestKey.exclusiveCPUs.name) }
    tree.write(.memory, memory.flatMap { [$0.base.rawValue, $0.byteCount] })
    tree.write(.entry, [entry.rawValue])
    tree.write(.bootProtocol, bootProtocol.word)
    tree.write(.deviceTree, deviceTree.source.word)
    tree.write(.deviceTreePlace, [deviceTree.address.rawValue, deviceTree.roomByteCount])
    tree.property(ManifestKey.commandLine.name, string: commandLine)
    if autostart { tree.property(ManifestKey.autostart.name) }
    tree.write(.onReset, onReset.word)
    tree.write(.onFailure, onFailure.word)
    tree.write(.idle, idle.word)
    tree.write(.logLevel, logLevel.word)
    for image in images {
      tree.beginNode("image", at: image.guestAddress.rawValue)
      tree.write(.kind, image.kind.word)
      tree.write(.place, [image.guestAddress.rawValue, image.memoryByteCount])
      tree.write(.bundleOffset, [image.bundleOffset])
      tree.write(.byteCount, [image.byteCount])
      tree.endNode()
    }
    for device in devices {
      tree.beginNode("device", at: device.base.rawValue)
      tree.write(.kind, device.kind.word)
      tree.write(.place, [device.base.rawValue, device.byteCount])
      tree.property(ManifestKey.interrupt.name, u32: device.interrupt)
      tree.endNode()
    }
  }
}

extension DeviceTreeBuilder {
  fileprivate mutating func write(_ key: ManifestKey, _ word: StaticString) { property(key.name, string: word) }

  fileprivate mutating func write(_ key: ManifestKey, _ numbers: [UInt64]) {
    property(key.name, doublewords: numbers)
  }
}
