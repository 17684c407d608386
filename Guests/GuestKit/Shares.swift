import Synchronization

/// Until when all CPUs work, by the counter.
let sharingDeadline = Atomic<UInt64>(0)

/// The case `shares`: all CPUs work at the same time, and each says how much it got done. On fewer physical CPUs than it
/// has, a guest sees by that whether it is served fairly.
public func runShares(on machine: any GuestMachine, options: Options, verdict: inout Verdict) {
  for cpu in 1..<max(1, machine.cpus.count) {
    let isUp = machine.bringUp(cpu: cpu)
    verdict.check(isUp) { line in
      line.text("cpu ")
      line.decimal(cpu)
      line.text(" up")
    }
    guard isUp else { return }
  }
  let milliseconds = max(1, min(options.number("milliseconds") ?? 3000, 60_000))
  sharingDeadline.store(
    machine.counter &+ machine.counterFrequencyHz / 1000 &* milliseconds, ordering: .releasing)
  for cpu in 1..<max(1, machine.cpus.count) {
    machine.cpus[cpu].order.store(Order.work.rawValue, ordering: .releasing)
    machine.sendInterrupt(.wake, to: cpu)
  }
  work(on: machine)
  for cpu in 1..<max(1, machine.cpus.count) {
    let isThrough = machine.wait(milliseconds: 10_000) { machine.cpus[cpu].order.load(ordering: .acquiring) == 0 }
    verdict.checkSilently(isThrough) { $0.text("a CPU is through") }
  }
  tellShares(machine, &verdict)
}

/// Counts rounds until the time is over.
func work(on machine: any GuestMachine) {
  let me = machine.currentCPU
  let deadline = sharingDeadline.load(ordering: .acquiring)
  while machine.counter < deadline { machine.cpus[me].workCount.wrappingAdd(1, ordering: .relaxed) }
}

private func tellShares(_ machine: any GuestMachine, _ verdict: inout Verdict) {
  var total: UInt64 = 0
  var least = UInt64.max
  var most: UInt64 = 0
  for cpu in 0..<machine.cpus.count {
    let count = machine.cpus[cpu].workCount.load(ordering: .acquiring)
    total &+= count
    least = min(least, count)
    most = max(most, count)
  }
  for cpu in 0..<machine.cpus.count {
    machine.say { line in
      line.text("shares cpu ")
      line.decimal(cpu)
      line.text(" per mille ")
      line.decimal(machine.cpus[cpu].workCount.load(ordering: .relaxed) &* 1000 / max(total, 1))
    }
  }
  // Time slices are whole: a tenth lies between a CPU that had one slice more in ten and one that had not.
  verdict.check(least > 0 && most &- least <= most / 10) { line in
    line.text("the least and the most of a CPU's rounds: ")
    line.decimal(least)
    line.text(" ")
    line.decimal(most)
  }
}
