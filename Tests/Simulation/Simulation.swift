import Dispatch
import Kernel
import TestSupport
import Virtualization

/// A small machine that runs the shipping hypervisor on the host, step by step, as a seed wants it.
///
/// Whenever the hypervisor asks something of its architecture, the seed chooses which CPU goes on from there, and time
/// goes on by a little; while no CPU can do anything, time goes on to the next timer. Nothing else lets time pass or one
/// CPU overtake another, so a seed always gives the same run. Memory is sequentially consistent here: a memory ordering
/// that is too weak does not show.
public final class Simulation {
  public let seed: UInt64
  public var generator: SeededGenerator

  /// In ticks of `SimulatedArchitecture.counterFrequencyHz`.
  public private(set) var time: UInt64 = 0
  public private(set) var step = 0
  /// A run that takes more steps than this does not end by itself.
  private let stepLimit: Int
  /// One in so many times another CPU gets its turn: some seeds change seldom, some all the time.
  private let switchRarity: Int
  /// One in so many steps a CPU stands still for a while.
  private let stallRarity: Int

  let memory: SimulatedMemory
  /// All of the machine's RAM. Made by the boot CPU.
  private var allFrames: FrameAllocator<SimulatedArchitecture>?
  private let cpus: [SimulatedCPU]
  private var bootThreads: [SimulatedThread] = []
  private var taskThreads: [UInt: SimulatedThread] = [:]

  /// Called at every step, before the turn goes on. It takes no lock.
  public var watch: (() -> Void)?
  /// What guests do: asked for each step of each vCPU.
  public var guest: (Reference<VCPU<SimulatedArchitecture>>) -> GuestStep = { _ in .halt(nil) }
  /// What the hypervisor has written to the machine's serial port.
  public internal(set) var consoleOutput: [UInt8] = []
  /// What is typed at the machine's serial port.
  public var consoleInput: [UInt8] = []

  /// Called when no CPU can go on before the next timer.
  public var watchQuiet: (() -> Void)?
  /// What has gone wrong.
  public private(set) var failures: [String] = []
  private let ending = DispatchSemaphore(value: 0)
  private var hasEnded = false

  /// Makes every lock of the process that a simulated CPU takes a place where the seed chooses.
  private static let locksAreChoices: Void = {
    SpinLock.choicePoint = { SimulatedThread.ifAny?.simulation.point(calm: 4) }
    SpinLock.setRelax { SimulatedThread.ifAny?.simulation.compute(upTo: 1) }
  }()

  private init(seed: UInt64, cpuCount: Int, memoryByteCount: Int, stepLimit: Int) {
    _ = Self.locksAreChoices
    self.seed = seed
    self.stepLimit = stepLimit
    var generator = SeededGenerator(seed: seed)
    switchRarity = [1, 2, 4, 16, 64].randomElement(using: &generator) ?? 1
    stallRarity = [50, 200, 1_000_000].randomElement(using: &generator) ?? 1
    self.generator = generator
    memory = SimulatedMemory(byteCount: memoryByteCount)
    cpus = (0..<cpuCount).map { SimulatedCPU(index: $0) }
  }

  // MARK: - A run

  /// Switches a machine on, runs `body` as its first task, on CPU 0, and waits until that calls `end` or nothing can go on.
  /// - Returns: what went wrong; empty where all is well.
  public static func run(
    seed: UInt64, cpus cpuCount: Int, memoryByteCount: Int = 1 << 20, stepLimit: Int = 200_000,
    _ body: @escaping (Simulation) -> Void
  ) -> [String] {
    let simulation = Simulation(
      seed: seed, cpuCount: cpuCount, memoryByteCount: memoryByteCount, stepLimit: stepLimit)
    simulation.boot(body)
    simulation.ending.wait()
    simulation.takeApart()
    return simulation.failures
  }

  /// The machine that runs this code.
  public static var current: Simulation { SimulatedThread.current.simulation }

  /// The per-CPU areas, the boot CPU's first.
  public var areas: [Reference<PhysicalCPU<SimulatedArchitecture>>] { cpus.compactMap { $0.area } }

  public var frames: FrameAllocator<SimulatedArchitecture> {
    guard let allFrames else { fatalError("the machine has not booted yet") }
    return allFrames
  }

  /// Stacks of tasks that are in use.
  public var stackCount: Int { taskThreads.count }

  private func boot(_ body: @escaping (Simulation) -> Void) {
    for cpu in cpus {
      let area = Reference.make(
        PhysicalCPU<SimulatedArchitecture>(index: cpu.index, hardwareID: UInt64(cpu.index), local: cpu))
      Scheduler<SimulatedArchitecture>.adoptBootContext(as: area)
      cpu.area = area
      let thread = SimulatedThread(of: self, on: cpu) {
        if cpu.index == 0 { self.start(body, on: area) }
        Scheduler<SimulatedArchitecture>.idle()
      }
      cpu.thread = thread
      bootThreads.append(thread)
    }
    bootThreads[0].giveBaton()
  }

  private func start(_ body: @escaping (Simulation) -> Void, on area: Reference<PhysicalCPU<SimulatedArchitecture>>) {
    let range = HostPhysicalRange(SimulatedMemory.base, UInt64(memory.byteCount))
    allFrames = FrameAllocator(range)
    let first = Scheduler<SimulatedArchitecture>.spawn(name: "first", on: area, urgency: .system) {
      body(self)
      self.end()
    }
    if first == nil { abandon("there is no memory for the first task") }
  }

  /// Ends the run. The calling thread stands still for good.
  public func end() -> Never {
    if !hasEnded { ending.signal() }
    hasEnded = true
    SimulatedThread.current.waitForBaton()
    fatalError("a thread goes on after the end of its simulation")
  }

  private func takeApart() {
    for thread in bootThreads { thread.end() }
    for thread in taskThreads.values { thread.end() }
    bootThreads = []
    taskThreads = [:]
    watch = nil
    watchQuiet = nil
    guest = { _ in .halt(nil) }
    for cpu in cpus {
      cpu.thread = nil
      // SAFETY: every thread of the machine has ended.
      unsafe cpu.area?.destroy()
    }
    memory.unmap()
    consoleOutput = []
  }

  /// Records that something is wrong; the run goes on as long as it can.
  public func fail(_ text: String) {
    if failures.count < 5 { failures.append("seed \(seed), step \(step), time \(time): \(text)") }
  }

  /// Records that the run cannot go on.
  func abandon(_ text: String) -> Never {
    fail(text)
    end()
  }

  // MARK: - Turns

  /// One of the places at which the seed chooses who goes on.
  /// - Parameter calm: How much less often than elsewhere the turn changes here.
  func point(calm: Int = 1) {
    let cpu = SimulatedThread.current.cpu
    count(ticks: UInt64.random(in: 0...2, using: &generator))
    if Int.random(in: 0..<stallRarity, using: &generator) == 0 {
      cpu.stalledUntilStep = step + Int.random(in: 10...300, using: &generator)
    }
    if cpu.stalledUntilStep <= step, Int.random(in: 0..<switchRarity * calm, using: &generator) != 0 { return }
    passTurn()
  }

  /// The guest on this CPU computes for a while.
  func compute(upTo ticks: UInt64) {
    count(ticks: UInt64.random(in: 0...ticks, using: &generator))
    passTurn()
  }

  /// This CPU has nothing to do before its next interrupt.
  func waitForInterrupt() {
    let cpu = SimulatedThread.current.cpu
    cpu.isWaiting = true
    count(ticks: 1)
    passTurn()
    cpu.isWaiting = false
  }

  /// This CPU goes on with the stack of another thread; the calling one waits until some CPU comes back to it.
  func switchStack(to next: SimulatedThread) {
    let thread = SimulatedThread.current
    guard next !== thread else { abandon("a task switches to itself") }
    guard next.belongs(to: thread.cpu) else { abandon("a task moves to another CPU") }
    count(ticks: 1)
    thread.cpu.thread = next
    nextCPU().thread?.giveBaton()
    thread.waitForBaton()
  }

  private func count(ticks: UInt64) {
    step += 1
    time += ticks
    if step > stepLimit, !hasEnded { abandon("no end after \(stepLimit) steps: \(situation)") }
    watch?()
  }

  private func passTurn() {
    let thread = SimulatedThread.current
    guard let next = nextCPU().thread, next !== thread else { return }
    next.giveBaton()
    thread.waitForBaton()
  }

  private func nextCPU() -> SimulatedCPU {
    var able = cpus.filter { !$0.isWaiting || $0.hasInterrupt(at: time) }
    if able.isEmpty {
      watchQuiet?()
      let earliest = cpus.reduce(UInt64.max) { min($0, $1.timerDeadline) }
      guard earliest != .max else { abandon("every CPU waits, and no timer is set") }
      time = earliest
      able = cpus.filter { $0.hasInterrupt(at: time) }
    }
    let quick = able.filter { $0.stalledUntilStep <= step }
    let choice = quick.isEmpty ? able : quick
    return choice[Int.random(in: 0..<choice.count, using: &generator)]
  }

  // MARK: - Stacks

  func makeStack(argument: UInt) -> TaskStack? {
    // A frame stands for the stack, so that one that is not given back is missed.
    guard let frame = frames.allocate(.frame) else { return nil }
    let thread = SimulatedThread(of: self, on: nil) {
      Scheduler<SimulatedArchitecture>.enterTask(argument: argument)
    }
    taskThreads[thread.handle] = thread
    return TaskStack(initialPointer: thread.handle, base: thread.handle, memory: frame)
  }

  func freeStack(_ stack: TaskStack) {
    guard let thread = taskThreads[stack.initialPointer] else {
      abandon("a stack that was not made or is given back twice")
    }
    if thread === SimulatedThread.current { abandon("a task gives back the stack that it runs on") }
    thread.end()
    frames.free(stack.memory, .frame)
    taskThreads[stack.initialPointer] = nil
  }

  func thread(_ handle: UInt) -> SimulatedThread {
    if let thread = taskThreads[handle] { return thread }
    if let thread = bootThreads.first(where: { $0.handle == handle }) { return thread }
    abandon("a switch to a stack that does not exist")
  }
}

extension Simulation {
  /// What each CPU is at, for whoever looks into a failure.
  var situation: String {
    cpus.map { cpu in
      let timer = cpu.timerDeadline == .max ? "off" : "set to \(cpu.timerDeadline)"
      return "cpu\(cpu.index) \(cpu.isWaiting ? "waits" : "runs"), its timer is \(timer)"
    }.joined(separator: "; ")
  }
}
