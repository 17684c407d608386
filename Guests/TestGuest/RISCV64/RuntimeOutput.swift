import Synchronization

/// Where the Swift runtime's own messages go: the device tree's console once it is known, and QEMU virt's until then,
/// so that "no device tree" can be said at all.
let runtimeConsole = Atomic<UInt64>(0x1000_0000)

/// One character of a message of the Swift runtime.
@c(putchar)
func putRuntimeCharacter(_ character: Int32) -> Int32 {
  let uart = NS16550(registers: MMIO(base: runtimeConsole.load(ordering: .relaxed)))
  uart.write(UInt8(truncatingIfNeeded: character))
  return character
}
