/// What the neutral cases ask of an architecture. One object of it exists; every CPU uses it.
public protocol GuestMachine: AnyObject, Sendable {
  /// What the CPUs tell each other, one record a CPU.
  var cpus: CPUTable { get }
  /// The index of the CPU that asks; 0 is the one that was started first.
  var currentCPU: Int { get }

  // MARK: Console

  func write(_ byte: UInt8)
  /// The next byte of input, waiting no later than the counter's `deadline`. `nil`: none came.
  func read(until deadline: UInt64) -> UInt8?

  // MARK: Time

  /// Ticks since some moment; never goes back.
  var counter: UInt64 { get }
  var counterFrequencyHz: UInt64 { get }
  /// Seconds since 1970 by the clock device; `nil` where the machine has none.
  var wallClockSeconds: UInt64? { get }
  /// The current CPU's timer interrupt, once, when the counter reaches `deadline`.
  func setTimer(at deadline: UInt64)

  // MARK: Memory

  /// Writes a pattern to all memory that is not in use, and reads it back.
  /// - Returns: bytes tested, and how many words read back wrongly.
  func testMemory() -> (byteCount: UInt64, wrongWordCount: UInt64)

  // MARK: CPUs and interrupts

  /// Starts a CPU that is off; it goes on in `secondaryMain`.
  func start(cpu: Int) -> Bool
  func isOff(cpu: Int) -> Bool
  /// Switches the current CPU off. Returns only when refused.
  func stopCurrentCPU()
  func sendInterrupt(_ interrupt: GuestInterrupt, to cpu: Int)
  /// Sleeps until an interrupt comes, unless `condition` holds already. Interrupts are on before and after.
  func sleep(unless condition: () -> Bool)
  /// Tells the CPU that this is a waiting loop.
  func pause()
  func powerOff() -> Never

  // MARK: Firmware and hypervisor

  /// Checks the answers of the architecture's firmware calls that have no effect.
  func checkFirmware(_ verdict: inout Verdict)
  /// Calls the hypervisor with one of Apus's own functions. `nil`: the instruction is undefined here.
  func call(_ function: Hypercall, _ first: UInt64, _ second: UInt64) -> HypercallAnswer?
  /// The address at which the hypervisor sees an object of the guest's image or heap.
  func physicalAddress(ofVirtual address: UInt) -> UInt64
  /// Carries out an order that only this architecture's cases give.
  func carryOut(_ order: Int)
}

/// Interrupts that one CPU sends to another.
public enum GuestInterrupt: Int, Sendable {
  /// Ends `sleep`.
  case wake = 0
  /// Is counted.
  case test = 1
}

extension GuestMachine {
  /// Prints one line, marked as the guest's. Only CPU 0 prints.
  public func say(_ build: (inout Line) -> Void) {
    var line = Line()
    line.text("guest: ")
    build(&line)
    line.byte(0x0D)
    line.byte(0x0A)
    line.forEach(write)
  }

  /// Waits with short pauses until `condition` holds.
  /// - Returns: whether it held before `milliseconds` had passed.
  public func wait(milliseconds: UInt64, until condition: () -> Bool) -> Bool {
    let deadline = counter &+ counterFrequencyHz / 1000 * milliseconds
    while !condition() {
      if counter > deadline { return condition() }
      pause()
    }
    return true
  }
}
