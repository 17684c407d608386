import CX86_64
import Kernel

/// Vectors of interrupts that the hypervisor takes.
enum InterruptVector: UInt8 {
  case notify = 0x40  // look for work
  case timer = 0x41
  case console = 0x42
  case error = 0x43
  case spurious = 0xff
}

/// The CPUs' own local APICs, in xAPIC mode: each CPU finds its own at the same address (AMD APM 2, 16.3).
struct PhysicalAPIC {
  private let window: DeviceWindow

  private enum Register {
    static let id = 0x20
    static let taskPriority = 0x80
    static let eoi = 0xb0
    static let spurious = 0xf0
    static let spuriousEnable: UInt32 = 1 << 8
    static let commandLow = 0x300
    static let commandHigh = 0x310
    static let commandPending: UInt32 = 1 << 12
    static let timer = 0x320
    static let firstPin = 0x350
    static let secondPin = 0x360
    static let error = 0x370
    static let masked: UInt32 = 1 << 16
    static let initialCount = 0x380
    static let currentCount = 0x390
    static let divide = 0x3e0
    static let divideByOne: UInt32 = 0xb
  }

  /// Boot CPU only. The two 8259s of a PC are silenced as well: nothing of theirs is used.
  init() {
    let base = x86_rdmsr(MSR.apicBase)
    window = AddressMap.mapDevice(at: HostPhysicalAddress(base & MSR.apicBaseAddress), byteCount: 4096)
    x86_out8(0x21, 0xff)
    x86_out8(0xa1, 0xff)
  }

  var eoiAddress: UInt64 { window.address(Register.eoi) }

  /// This CPU's APIC identifier.
  var identifier: UInt64 { UInt64(window.read32(Register.id) >> 24) }

  /// Each CPU, for itself.
  func setUpThisCPU() {
    x86_wrmsr(MSR.apicBase, x86_rdmsr(MSR.apicBase) | MSR.apicBaseEnable)
    window.write32(Register.firstPin, Register.masked)
    window.write32(Register.secondPin, Register.masked)
    window.write32(Register.error, UInt32(InterruptVector.error.rawValue))
    window.write32(Register.taskPriority, 0)
    window.write32(Register.divide, Register.divideByOne)
    window.write32(Register.initialCount, 0)
    window.write32(Register.timer, UInt32(InterruptVector.timer.rawValue))
    window.write32(Register.spurious, Register.spuriousEnable | UInt32(InterruptVector.spurious.rawValue))
  }

  // MARK: - Timer

  /// Starts this CPU's timer: one interrupt after so many ticks; 0 stops it.
  @inline(__always) func setTimer(_ ticks: UInt32) { window.write32(Register.initialCount, ticks) }

  var remainingTicks: UInt32 { window.read32(Register.currentCount) }

  // MARK: - Interrupts to other CPUs (APM 2, 16.5)

  @inline(__always) func send(_ vector: InterruptVector, to identifier: UInt64) {
    command(UInt32(vector.rawValue), to: identifier)
  }

  /// INIT: the CPU waits for `start`.
  func initialise(_ identifier: UInt64) { command(0x4500, to: identifier) }

  /// SIPI: the CPU begins in real mode at `page` · 4096.
  func start(_ identifier: UInt64, page: UInt8) { command(0x4600 | UInt32(page), to: identifier) }

  @inline(__always) private func command(_ low: UInt32, to identifier: UInt64) {
    while window.read32(Register.commandLow) & Register.commandPending != 0 { x86_pause() }
    window.write32(Register.commandHigh, UInt32(truncatingIfNeeded: identifier) << 24)
    window.write32(Register.commandLow, low)
  }
}

/// A machine's I/O APIC, as far as the hypervisor uses it: the console's interrupt (Intel 82093AA).
struct PhysicalIOAPIC {
  private let window: DeviceWindow
  private let firstInput: UInt32

  init(_ description: IOAPICDescription) {
    window = AddressMap.mapDevice(at: HostPhysicalAddress(description.address), byteCount: 4096)
    firstInput = description.firstInput
  }

  /// Lets input `input`, edge-triggered and active high as on the ISA bus, come to the CPU `identifier`.
  func enable(_ input: UInt32, _ vector: InterruptVector, to identifier: UInt64) {
    guard input >= firstInput else { return }
    let index = 0x10 + (input - firstInput) * 2
    write(index + 1, UInt32(truncatingIfNeeded: identifier) << 24)
    write(index, UInt32(vector.rawValue))
  }

  private func write(_ index: UInt32, _ value: UInt32) {
    window.write32(0x00, index)
    window.write32(0x10, value)
  }
}
