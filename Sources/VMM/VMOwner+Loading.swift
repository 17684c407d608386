import Kernel
import Manifest
import Virtualization

extension VMOwner {
  /// Copies the images and the device tree to where the guest finds them.
  static func load(_ manifest: borrowing VMManifest, from bundle: Bundle, into vm: Reference<VM<A>>) throws(VMError) {
    for image in manifest.images {
      guard bundle.copy(image, to: vm.value.memory, between: { Scheduler<A>.preemptionPoint() }) else {
        throw .imageOutsideMemory
      }
    }
    if manifest.deviceTree.source == .generated {
      let tree = A.makeDeviceTree(for: vm, manifest: manifest)
      guard UInt64(tree.count) <= manifest.deviceTree.roomByteCount else { throw .deviceTreeTooLarge }
      do throws(GuestMemoryError) {
        // SAFETY: the bytes are the tree's, which outlives the call.
        try vm.value.memory.write(unsafe tree.span.bytes, at: manifest.deviceTree.address)
      } catch {
        throw .imageOutsideMemory
      }
    }
    for image in manifest.images { if let range = image.guestRange { A.publish(range, of: vm) } }
    if let range = manifest.deviceTree.range { A.publish(range, of: vm) }
  }
}
