import CAArch64
import Kernel
import Synchronization

/// The machine as it was found at boot: one for all CPUs, named by each per-CPU area.
struct Machine: ~Copyable {
  /// A task's stack: 16 KiB.
  static let stackOrder = FrameOrder(holding: 16384) ?? .frame

  let frames: FrameAllocator<AArch64>
  let stacks: StackWindow
  let gic: PhysicalGIC
  /// The regions in which the CPUs' redistributors lie, and their sizes in bytes.
  let redistributors: [(DeviceWindow, UInt64)]
  let uart: PhysicalUART?
  let identity: CPUIdentity
  /// What every guest reads in the ID registers.
  let idRegisters = GuestIDRegisters(host: HostIDRegisters.value)
  /// The time of day when the counter was 0, in seconds since 1970.
  let secondsAtCounterZero: UInt64
  /// Called on the CPU that took the serial port's interrupt. Set before that interrupt is enabled.
  var consoleInput: (() -> Void)?
  /// Nil where the firmware gave no seed: then guests get none.
  var seeds: SeedStream?
  /// How many seeds were given out.
  let seedCount = Atomic<Int>(0)
  /// The next VM's stream of random numbers.
  let generatorCount = Atomic<Int>(0)
  /// VMIDs are given out once each; 0 is nobody's.
  let nextVMID = Atomic<Int>(1)

  init(
    frames: FrameAllocator<AArch64>, stacks: consuming StackWindow, gic: PhysicalGIC,
    redistributors: [(DeviceWindow, UInt64)], uart: PhysicalUART?,
    identity: CPUIdentity, secondsAtCounterZero: UInt64
  ) {
    self.frames = frames
    self.stacks = stacks
    self.gic = gic
    self.redistributors = redistributors
    self.uart = uart
    self.identity = identity
    self.secondsAtCounterZero = secondsAtCounterZero
  }

  /// Bytes have come: the port's own interrupt is off until the console task has read them.
  func takeDeviceInterrupt(_ intid: UInt32) {
    guard let uart, intid == uart.interrupt else { return }
    uart.disableInput()
    consoleInput?()
  }
}
