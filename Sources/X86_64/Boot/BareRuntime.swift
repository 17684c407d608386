import CX86_64
import Kernel

/// What the Swift runtime and the assembly call by name.
enum BareRuntime {
  /// Set once at boot, before anything allocates.
  nonisolated(unsafe) static var heap: Heap<X86_64>?
}

#if hasFeature(Embedded)
  @c(posix_memalign)
  public func allocate(
    _ result: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ alignment: UInt, _ byteCount: UInt
  ) -> CInt {
    // SAFETY: written once at boot; the caller's pointer is its own.
    guard let heap = unsafe BareRuntime.heap,
      let object = unsafe heap.allocate(byteCount: Int(byteCount), alignment: Int(alignment))
    else { return 12 }
    // SAFETY: as above.
    unsafe result.pointee = object
    return 0
  }

  @c(apus_free)
  public func free(_ object: UnsafeMutableRawPointer?) {
    // SAFETY: what the runtime gives back it got from `posix_memalign`.
    if let object = unsafe object, let heap = unsafe BareRuntime.heap { unsafe heap.free(object) }
  }

  @c(putchar)
  public func putCharacter(_ character: CInt) -> CInt {
    X86_64.consoleWrite(byte: UInt8(truncatingIfNeeded: character))
    return character
  }

  @c(apus_secondary_main)
  public func enterSecondaryCPU(_ area: UInt64) { SecondaryCPUs.main(area) }

  @c(apus_task_entry)
  public func enterTask(_ argument: UInt) { Scheduler<X86_64>.enterTask(argument: argument) }

  @c(apus_hypervisor_fault)
  public func hypervisorFault(_ frame: UnsafePointer<X86PanicFrame>) {
    // SAFETY: the vectors have filled the frame on the stack that they are on.
    Panic.show(unsafe frame.pointee)
  }
#endif
