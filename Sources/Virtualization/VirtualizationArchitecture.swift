import Kernel

/// What the VMM asks of an architecture, beyond what the kernel does.
public protocol VirtualizationArchitecture: CPUArchitecture {
  /// A vCPU's registers and other hardware state.
  associatedtype VCPUState: ~Copyable
  /// What all vCPUs of a VM share: the interrupt controller, the nested page table's root.
  associatedtype VMState: ~Copyable
  /// The devices that can stand on a VM's bus.
  associatedtype Device: BusDevice
  /// Exits that only this architecture has.
  associatedtype ArchExit

  /// Enters the guest until something is for the neutral loop. On the CPU of the vCPU's own task.
  static func run(_ vcpu: Reference<VCPU<Self>>) -> VMExit<ArchExit>

  /// Carries out an exit of the architecture's own.
  static func handle(_ exit: ArchExit, of vcpu: Reference<VCPU<Self>>) -> VMExit<ArchExit>

  /// Puts the vCPU into its state at power-on, to begin at `entry`.
  static func reset(_ vcpu: Reference<VCPU<Self>>, entry: GuestPhysicalAddress, argument: UInt64)

  /// Whether an interrupt would be taken, so that a halted vCPU goes on. From the vCPU's own task.
  static func hasPendingInterrupt(_ vcpu: Reference<VCPU<Self>>) -> Bool

  /// When the vCPU's own timers will next raise an interrupt, in ticks of `counter`; `.max` for never. From its own task.
  static func nextTimerDeadline(_ vcpu: Reference<VCPU<Self>>) -> UInt64

  /// Instructions begin at multiples of this: in bytes, a power of two.
  static var instructionAlignment: UInt64 { get }

  /// The index of the vCPU that the guest knows as `target`.
  static func vcpuIndex(of target: UInt64, in vm: Reference<VM<Self>>) -> Int?

  /// Ends the emulation of an access: gives a read its value and goes past the instruction.
  static func complete(_ access: MMIOAccess, of vcpu: Reference<VCPU<Self>>, value: UInt64)

  /// Answers an access to where nothing is with the architecture's bus error.
  /// - Returns: the fault that ends the VM when the guest makes no progress.
  static func refuse(_ access: MMIOAccess, of vcpu: Reference<VCPU<Self>>) -> GuestFault?

  /// Answers `cpuUp` and the hypercalls in the guest's registers, by the standard's codes.
  static func answer(_ result: CallResult, to vcpu: Reference<VCPU<Self>>)

  /// The vCPU is off from here on: takes its state out of the hardware and gives up the interrupts it holds.
  static func turnOff(_ vcpu: Reference<VCPU<Self>>)

  /// Takes the vCPU's state out of the hardware, where it is there. From the vCPU's own task.
  static func unload(_ vcpu: Reference<VCPU<Self>>)

  /// The registers of a vCPU whose fault has stopped its VM, line by line. The vCPU is off.
  static func describe(_ vcpu: Reference<VCPU<Self>>, to show: (LogText) -> Void)

  /// Handles every physical interrupt that is pending on this CPU.
  static func handleInterrupts()
}

extension VirtualizationArchitecture {
  /// For an architecture whose instructions are all words.
  public static var instructionAlignment: UInt64 { 4 }

  /// For an architecture that keeps nothing of a vCPU in the hardware between two runs.
  public static func unload(_ vcpu: Reference<VCPU<Self>>) {}

  /// For an architecture whose faults say all by themselves.
  public static func describe(_ vcpu: Reference<VCPU<Self>>, to show: (LogText) -> Void) {}
}

/// What a call from a guest came to; each architecture has its code for it.
public enum CallResult: Sendable {
  case success
  case invalidParameters
  case alreadyOn
  case onPending
  case invalidAddress
  case denied
  case notSupported
}

/// A device on a VM's bus. Sees offsets from its base, never addresses.
public protocol BusDevice: BitwiseCopyable {
  func read(offset: UInt64, width: AccessWidth, by vcpu: Int) -> UInt64
  func write(offset: UInt64, width: AccessWidth, value: UInt64, by vcpu: Int)
}
