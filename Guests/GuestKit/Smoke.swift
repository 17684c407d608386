import Synchronization

/// The case `smoke`: everything that a well-behaved guest with several CPUs needs, each checked.
public func runSmoke(on machine: any GuestMachine, options: Options, verdict: inout Verdict) {
  checkTime(machine, &verdict)
  checkMemory(machine, &verdict)
  machine.checkFirmware(&verdict)
  for cpu in 1..<max(1, machine.cpus.count) {
    let isUp = machine.bringUp(cpu: cpu)
    verdict.check(isUp) { line in
      line.text("cpu ")
      line.decimal(cpu)
      line.text(" up, id ")
      line.hex(machine.cpus[cpu].hardwareID.load(ordering: .relaxed))
    }
    // A CPU that does not come up would only fail every check below, slowly.
    guard isUp else { return }
  }
  checkSharedMemory(machine, &verdict)
  checkInterrupts(machine, &verdict)
  checkTimers(machine, &verdict)
  if options.number("input") == 1 { checkInput(machine, options, &verdict) }
  for cpu in 1..<max(1, machine.cpus.count) { checkOffAndOn(machine, cpu, &verdict) }
  checkStrayInterrupts(machine, &verdict)
}

private func checkTime(_ machine: any GuestMachine, _ verdict: inout Verdict) {
  let first = machine.counter
  let second = machine.counter
  verdict.check(machine.counterFrequencyHz > 0, "counter frequency in Hz", machine.counterFrequencyHz)
  verdict.check(second >= first && machine.wait(milliseconds: 1000) { machine.counter > second }, "counter advances")
  if let seconds = machine.wallClockSeconds {
    verdict.check(seconds > 0 && machine.wallClockSeconds ?? 0 >= seconds, "clock device, seconds since 1970", seconds)
  }
}

private func checkMemory(_ machine: any GuestMachine, _ verdict: inout Verdict) {
  let result = machine.testMemory()
  verdict.check(result.byteCount > 0 && result.wrongWordCount == 0) { line in
    line.text("memory, MiB tested ")
    line.decimal(result.byteCount >> 20)
    line.text(", wrong words ")
    line.decimal(result.wrongWordCount)
  }
}

private func checkSharedMemory(_ machine: any GuestMachine, _ verdict: inout Verdict) {
  var cpuCount: UInt64 = 0
  for cpu in 1..<max(1, machine.cpus.count) {
    machine.cpus[cpu].order.store(Order.add.rawValue, ordering: .releasing)
    machine.sendInterrupt(.wake, to: cpu)
    cpuCount += 1
  }
  for _ in 0..<Order.additionCount { sharedCounter.wrappingAdd(1, ordering: .relaxed) }
  let expected = (cpuCount + 1) * UInt64(Order.additionCount)
  let isComplete = machine.wait(milliseconds: 2000) { sharedCounter.load(ordering: .acquiring) == expected }
  verdict.check(isComplete, "additions by all CPUs at once", sharedCounter.load(ordering: .acquiring))
  for cpu in 1..<max(1, machine.cpus.count) {
    _ = machine.wait(milliseconds: 2000) { machine.cpus[cpu].order.load(ordering: .acquiring) == 0 }
  }
}

private func checkInterrupts(_ machine: any GuestMachine, _ verdict: inout Verdict) {
  for cpu in 0..<machine.cpus.count {
    let before = machine.cpus[cpu].testInterruptCount.load(ordering: .relaxed)
    machine.sendInterrupt(.test, to: cpu)
    let came = machine.wait(milliseconds: 2000) {
      machine.cpus[cpu].testInterruptCount.load(ordering: .relaxed) == before + 1
    }
    verdict.check(came, "interrupt from CPU 0 to CPU", UInt64(cpu))
  }
  for cpu in 1..<max(1, machine.cpus.count) {
    let before = machine.cpus[0].testInterruptCount.load(ordering: .relaxed)
    let isDone = machine.order(Order.interrupt.rawValue, to: cpu)
    let came = machine.wait(milliseconds: 2000) {
      machine.cpus[0].testInterruptCount.load(ordering: .relaxed) == before + 1
    }
    verdict.check(isDone && came, "interrupt to CPU 0 from CPU", UInt64(cpu))
  }
}

private func checkTimers(_ machine: any GuestMachine, _ verdict: inout Verdict) {
  verdict.check(takeTimerInterrupt(on: machine), "timer interrupt on CPU", 0)
  for cpu in 1..<max(1, machine.cpus.count) {
    let before = machine.cpus[cpu].timerInterruptCount.load(ordering: .relaxed)
    let isDone = machine.order(Order.timer.rawValue, to: cpu)
    let count = machine.cpus[cpu].timerInterruptCount.load(ordering: .relaxed)
    verdict.check(isDone && count == before + 1, "timer interrupt on CPU", UInt64(cpu))
  }
}

/// Reads one line from the console and gives it back. Waits `input_seconds`, or 30.
private func checkInput(_ machine: any GuestMachine, _ options: Options, _ verdict: inout Verdict) {
  machine.say { $0.text("waiting for a line of input") }
  let seconds = min(options.number("input_seconds") ?? 30, 3600)
  let deadline = machine.counter &+ machine.counterFrequencyHz * seconds
  var text: [UInt8] = []
  var isComplete = false
  while text.count < 80, let byte = machine.read(until: deadline) {
    if byte == 0x0A || byte == 0x0D {
      isComplete = true
      break
    }
    text.append(byte)
  }
  verdict.check(isComplete) { line in
    line.text("input: ")
    line.text(text[...])
  }
}

private func checkOffAndOn(_ machine: any GuestMachine, _ cpu: Int, _ verdict: inout Verdict) {
  machine.cpus[cpu].order.store(Order.stop.rawValue, ordering: .releasing)
  machine.sendInterrupt(.wake, to: cpu)
  let isOff = machine.wait(milliseconds: 2000) { machine.isOff(cpu: cpu) }
  verdict.check(isOff, "off again, CPU", UInt64(cpu))
  guard isOff else { return }
  verdict.check(machine.bringUp(cpu: cpu), "on again, CPU", UInt64(cpu))
  verdict.check(machine.order(Order.timer.rawValue, to: cpu), "timer interrupt after that on CPU", UInt64(cpu))
}

private func checkStrayInterrupts(_ machine: any GuestMachine, _ verdict: inout Verdict) {
  var count = 0
  for cpu in 0..<machine.cpus.count { count += machine.cpus[cpu].strayInterruptCount.load(ordering: .relaxed) }
  verdict.check(count == 0, "interrupts that nobody asked for", UInt64(count))
}
