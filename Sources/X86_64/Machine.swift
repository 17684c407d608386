import CX86_64
import Kernel

/// The machine as it was found at boot: one for all CPUs, named by each per-CPU area.
struct Machine: ~Copyable {
  /// A task's stack: 16 KiB.
  static let stackOrder = FrameOrder(holding: 16384) ?? .frame

  let frames: FrameAllocator<X86_64>
  let stacks: StackWindow
  let apic: PhysicalAPIC
  let clocks: Clocks
  let identity: CPUIdentity
  let permissions: PermissionMaps
  /// Called on the CPU that took the serial port's interrupt. Set before that interrupt is enabled.
  var consoleInput: (() -> Void)?

  init(
    frames: FrameAllocator<X86_64>, stacks: consuming StackWindow, apic: PhysicalAPIC, clocks: Clocks,
    identity: CPUIdentity, permissions: PermissionMaps
  ) {
    self.frames = frames
    self.stacks = stacks
    self.apic = apic
    self.clocks = clocks
    self.identity = identity
    self.permissions = permissions
  }

  /// Bytes have come: the port's own interrupt is off until the console task has read them.
  func takeConsoleInterrupt() {
    PhysicalUART.com1.disableInput()
    consoleInput?()
  }
}
