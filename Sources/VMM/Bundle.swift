import Kernel
import Manifest
import Virtualization

/// What the loader placed in memory: the manifest, then the images. Read only, and never given away.
@safe public struct Bundle: @unchecked Sendable {
  private let base: UnsafeRawPointer
  public let byteCount: UInt64

  /// - Safety: the bytes stay readable for as long as the hypervisor runs.
  @unsafe public init(base: UnsafeRawPointer, byteCount: UInt64) {
    unsafe self.base = base
    self.byteCount = byteCount
  }

  var manifestBytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: Int(byteCount)) }

  /// Copies an image to where its placement says, in pieces of at most 2 MiB. False where either end is outside.
  func copy<A: PhysicalMemory>(
    _ image: ImagePlacement, to memory: borrowing GuestMemory<A>, between pieces: () -> Void
  ) -> Bool {
    guard image.bundleOffset <= byteCount, image.byteCount <= byteCount - image.bundleOffset else { return false }
    var done: UInt64 = 0
    while done < image.byteCount {
      let piece = min(image.byteCount - done, 1 << 21)
      guard let place = image.guestAddress.advanced(by: done) else { return false }
      // SAFETY: offset and length were checked against the bundle above.
      let source = unsafe UnsafeRawBufferPointer(start: base + Int(image.bundleOffset + done), count: Int(piece))
      do throws(GuestMemoryError) { try memory.write(unsafe source.bytes, at: place) } catch { return false }
      done += piece
      pieces()
    }
    return true
  }
}
