import Foundation
import Manifest

/// What a single boot does differently from its configuration.
extension SystemDescription {
  /// Adds words to the command line of every VM.
  /// - Returns: the VMs whose command line has no room for them; theirs stays as it is.
  public mutating func append(toCommandLines words: String) -> [String] {
    var refused: [String] = []
    for index in manifest.vms.indices {
      let line = manifest.vms[index].commandLine
      let longer = line + Array(((line.isEmpty ? "" : " ") + words).utf8)
      if longer.count <= ManifestLimits.commandLineByteCount, writeIntoSuppliedTree(longer, ofVM: index) {
        manifest.vms[index].commandLine = longer
      } else {
        refused.append(vmNames[index])
      }
    }
    return refused
  }

  /// A device tree that the VM brings itself holds the command line too.
  /// - Returns: false where it has no room.
  private mutating func writeIntoSuppliedTree(_ commandLine: [UInt8], ofVM index: Int) -> Bool {
    let vm = manifest.vms[index]
    guard let image = vm.images.firstIndex(where: { $0.kind == .deviceTree }) else { return true }
    let old = [UInt8](vms[index].payloads[image])
    guard let new = SuppliedDeviceTree.rewriting(old, commandLine: commandLine, ramdisk: vm.ramdisk),
      UInt64(new.count) <= vm.images[image].memoryByteCount
    else { return false }
    vms[index].payloads[image] = Data(new)
    manifest.vms[index].images[image].byteCount = UInt64(new.count)
    return true
  }

  /// Stops a VM that asks for a reset, whatever its file says.
  public mutating func stopOnReset() {
    for index in manifest.vms.indices { manifest.vms[index].onReset = .stop }
  }

  /// What the hypervisor tells on the console, of itself and of every VM.
  public mutating func setLogLevel(_ level: LogLevel) {
    manifest.logLevel = level
    for index in manifest.vms.indices { manifest.vms[index].logLevel = level }
  }
}
