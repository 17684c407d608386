import CRISCV64
import Kernel
import Synchronization

/// The machine as it was found at boot: one for all harts, named by each per-CPU area.
struct Machine: ~Copyable {
  /// A task's stack: 16 KiB.
  static let stackOrder = FrameOrder(holding: 16384) ?? .frame

  let frames: FrameAllocator<RISCV64>
  let stacks: StackWindow
  /// The boot hart's side of the interrupt controller; nil where there is none that the hypervisor has a driver for.
  let plic: PhysicalPLIC?
  let uart: PhysicalUART
  let identity: CPUIdentity
  /// Called on the hart that took the serial port's interrupt. Set before that interrupt is enabled.
  var consoleInput: (() -> Void)?
  /// Nil where the firmware gave no seed: then guests get none.
  var seeds: SeedStream?
  /// Nanoseconds since 1970 when `time` was 0. Set once, at boot.
  var nanosecondsAtCounterZero: UInt64 = 0
  /// How many seeds were given out.
  let seedCount = Atomic<Int>(0)
  /// VMIDs are given out once each; 0 is nobody's.
  let nextVMID = Atomic<Int>(1)

  init(
    frames: FrameAllocator<RISCV64>, stacks: consuming StackWindow, plic: PhysicalPLIC?, uart: PhysicalUART,
    identity: CPUIdentity
  ) {
    self.frames = frames
    self.stacks = stacks
    self.plic = plic
    self.uart = uart
    self.identity = identity
  }

  /// Bytes have come: the port's own interrupt is off until the console task has read them.
  func takeExternalInterrupt() {
    guard let plic, let interrupt = plic.claim() else { return }
    if interrupt == uart.interrupt {
      uart.disableInput()
      consoleInput?()
    }
    plic.complete(interrupt)
  }
}
