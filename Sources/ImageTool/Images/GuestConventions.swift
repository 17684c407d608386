import Manifest

/// What the files of one architecture's guests look like, and what such guests expect of their memory.
struct GuestConventions: Sendable {
  /// What a kernel has at `imageMagicOffset`.
  let imageMagic: [UInt8]
  let imageMagicOffset: Int
  let imageFormat: KernelFormat
  /// How messages call a kernel.
  let imageWords: String
  /// The header's `text_offset` counts from the beginning of memory, and not from any 2 MiB boundary.
  let imageKeepsDistance: Bool
  /// Device tree and ramdisk go above the kernel: older kernels cannot reach what lies below them.
  let kernelLiesLowest: Bool
  /// The ELF header's `e_machine`.
  let elfMachine: UInt16
  /// How messages call the processor.
  let elfWords: String
  /// `compatible` of the devices that a VM has.
  let uart: StaticString
  let clock: StaticString
  let interruptController: StaticString
  /// What is at each of `GuestMachine.reserved`.
  let reservedWords: [String]
  /// How the interrupt controller calls a device's interrupt.
  let interruptWord: String
}

extension Architecture {
  var guestConventions: GuestConventions {
    switch self {
    case .aarch64:
      GuestConventions(
        imageMagic: [0x41, 0x52, 0x4d, 0x64],  // "ARM\x64"
        imageMagicOffset: LinuxImage.magicOffset,
        imageFormat: .arm64Image, imageWords: "an arm64 Image", imageKeepsDistance: false, kernelLiesLowest: false,
        elfMachine: 183, elfWords: "AArch64", uart: "arm,pl011", clock: "arm,pl031",
        interruptController: "arm,gic-v3", reservedWords: ["interrupt controller", "interrupt controller"],
        interruptWord: "SPI")
    case .riscv64:
      GuestConventions(
        imageMagic: [0x52, 0x53, 0x43, 0x05],  // "RSC\x05"
        imageMagicOffset: LinuxImage.magicOffset,
        imageFormat: .riscv64Image, imageWords: "a riscv64 Image", imageKeepsDistance: true, kernelLiesLowest: true,
        elfMachine: 243, elfWords: "RISC-V", uart: "ns16550a", clock: "google,goldfish-rtc",
        interruptController: "sifive,plic-1.0.0",
        reservedWords: ["interrupt controller", "firmware's timer", "test finisher"],
        interruptWord: "PLIC source")
    case .x86_64:
      GuestConventions(
        imageMagic: [0x48, 0x64, 0x72, 0x53],  // "HdrS"
        imageMagicOffset: BzImage.magicOffset,
        imageFormat: .bzImage, imageWords: "a bzImage", imageKeepsDistance: true, kernelLiesLowest: true,
        elfMachine: 62, elfWords: "x86-64", uart: "ns16550a", clock: "motorola,mc146818",
        interruptController: "intel,ce4100-ioapic",
        reservedWords: ["I/O APIC", "local APICs"], interruptWord: "I/O APIC input")
    }
  }
}
