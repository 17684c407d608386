import Kernel
import VMM
import Virtualization

/// What a simulated guest does next on one of its vCPUs.
public enum GuestStep {
  /// Goes on for that many ticks, if nothing interrupts it.
  case compute(UInt64)
  /// Goes on for good, its own interrupts masked.
  case computeForEver
  /// What no guest can do on hardware that works: goes on, whoever wants its CPU, until that is so.
  case ignoreEverything(until: () -> Bool)
  /// Waits for an interrupt, its own timer set to that many ticks from now; nil for no timer.
  case halt(UInt64?)
  case yield
  case cpuUp(UInt64)
  case cpuUpAtNoMemory(UInt64)
  case cpuDown
  case systemDown(SystemDownKind)
  /// Sends an interrupt to a vCPU of its VM.
  case interrupt(Int)
  /// Writes a character to the serial port.
  case write(UInt8)
  /// Reads a character from the serial port.
  case read
  /// Reads where nothing is.
  case readNothing
  case stopWithCode(UInt64)
  case fault
  /// Does something that only its architecture has.
  case special
}

/// What the hardware and the architecture hold of one vCPU of a simulated guest.
public final class SimulatedVCPU {
  public let index: Int
  /// Interrupts that wait to be taken.
  public internal(set) var isInterruptPending = false
  /// When the guest's timer goes off, on the guest's clock.
  var timer = UInt64.max
  /// What is left of a computation that was interrupted.
  var rest: UInt64?
  var badAccesses = 0
  /// Between `reset` and `turnOff`.
  var isOn = false
  /// How often the guest was entered.
  public internal(set) var entries = 0
  /// Ticks inside the guest.
  public internal(set) var spent: UInt64 = 0
  /// How many steps the guest has taken since the vCPU was last turned on.
  public internal(set) var steps = 0
  /// How often the vCPU was turned on.
  public internal(set) var activations = 0
  /// What its calls were answered.
  public internal(set) var answers: [CallResult] = []
  /// What it read from the serial port.
  public internal(set) var input: [UInt8] = []
  public internal(set) var argument: UInt64 = 0
  /// Interrupts that the guest has taken since the vCPU was last turned on.
  public internal(set) var interrupts = 0
  /// For the guest's own use.
  public var written = 0

  init(index: Int) { self.index = index }
}

/// What the vCPUs of a simulated VM share.
public final class SimulatedVM {
  /// A frame stands for the architecture's own tables, so that what is not given back is missed.
  let frame: HostPhysicalAddress
  /// The machine's clock less the guest's, in ticks.
  var offset: UInt64 = 0
  /// The guest's clock while it stands still; nil while it runs.
  public internal(set) var stoppedAt: UInt64? = 0
  /// Typed, and not yet read.
  var typed: [UInt8] = []
  var resets = 0

  init(frame: HostPhysicalAddress) { self.frame = frame }

  /// The guest's clock.
  public func clock(at time: UInt64) -> UInt64 { stoppedAt ?? time - offset }
}

/// A serial port as simple as can be: what is written is sent, what is typed is read.
public struct SimulatedDevice: BusDevice {
  let vm: Reference<VM<SimulatedArchitecture>>
  let port: Reference<ConsolePort>
  let console: Reference<Console<SimulatedArchitecture>>

  static let base: UInt64 = 0x0900_0000

  public func read(offset: UInt64, width: AccessWidth, by vcpu: Int) -> UInt64 {
    vm.value.state.typed.isEmpty ? 0 : UInt64(vm.value.state.typed.removeFirst())
  }

  public func write(offset: UInt64, width: AccessWidth, value: UInt64, by vcpu: Int) {
    let byte = UInt8(truncatingIfNeeded: value)
    if !port.value.output.push(byte) { port.value.wantsRoom.store(true, ordering: .sequentiallyConsistent) }
    if byte == 0x0a { port.value.hasLine.store(true, ordering: .sequentiallyConsistent) }
    console.value.wake()
  }
}
