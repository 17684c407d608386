import Kernel

/// The architecture of the simulated machine: every call asks the simulation that the calling thread is part of.
public enum SimulatedArchitecture {}

extension SimulatedArchitecture: PhysicalMemory {
  public static func pointer(to address: HostPhysicalAddress) -> UnsafeMutableRawPointer {
    Simulation.current.memory.pointer(to: address)
  }
}

extension SimulatedArchitecture: CPUArchitecture {
  public typealias CPULocal = SimulatedCPU

  public static var currentCPU: Reference<PhysicalCPU<Self>> {
    // Not a wait or a signal, but it stands between two of them wherever the hypervisor moves from one step to the next.
    Simulation.current.point(calm: 4)
    guard let area = SimulatedThread.current.cpu.area else { fatalError("a CPU without its area") }
    return area
  }

  public static func switchStack(saving saved: UnsafeMutablePointer<UInt>, to next: UInt) {
    saved.pointee = SimulatedThread.current.handle
    let simulation = Simulation.current
    simulation.switchStack(to: simulation.thread(next))
  }

  public static func makeStack(argument: UInt) -> TaskStack? {
    Simulation.current.point()
    return Simulation.current.makeStack(argument: argument)
  }

  public static func freeStack(_ stack: TaskStack) { Simulation.current.freeStack(stack) }

  public static var counter: UInt64 {
    Simulation.current.point()
    return Simulation.current.time
  }

  public static var counterFrequencyHz: UInt64 { 100_000 }

  public static func setTimer(deadline: UInt64) {
    SimulatedThread.current.cpu.timerDeadline = deadline
    Simulation.current.point()
  }

  public static func notify(cpu: Reference<PhysicalCPU<Self>>) {
    cpu.value.local.isNotified = true
    Simulation.current.point()
  }

  public static func waitForInterrupt() {
    let simulation = Simulation.current
    // The hardware may end the wait for no reason.
    if Int.random(in: 0..<32, using: &simulation.generator) == 0 {
      simulation.point()
    } else {
      simulation.waitForInterrupt()
    }
    handleInterrupts()
  }

  public static func relax() { Simulation.current.point() }
}

extension SimulatedArchitecture {
  /// Takes and handles every interrupt that is pending on this CPU.
  public static func handleInterrupts() {
    let simulation = Simulation.current
    let cpu = SimulatedThread.current.cpu
    simulation.point()
    for _ in 0..<16 {
      if cpu.isNotified {
        cpu.isNotified = false
      } else if cpu.timerDeadline <= simulation.time {
        let firedAt = simulation.time
        Scheduler<Self>.timerFired()
        if cpu.timerDeadline <= firedAt { simulation.fail("the timer's line stays up after its interrupt") }
      } else {
        return
      }
    }
  }

  /// What a guest that only computes does to its CPU: runs until an interrupt is pending.
  public static func computeUntilInterrupt() {
    let simulation = Simulation.current
    let cpu = SimulatedThread.current.cpu
    while !cpu.hasInterrupt(at: simulation.time) { simulation.compute(upTo: 200) }
  }
}
