import GuestKit

/// A case: its name on the command line, and what it does.
struct Case: Sendable {
  let name: StaticString
  let run: @Sendable (Options, inout Verdict) -> Void
}

/// A guest that errs, and goes on.
private let survivedCases: [Case] = [
  Case(name: "hostile-jump") { runHostileJump(&$1) },
  Case(name: "hostile-memory") { runHostileMemory(&$1) },
  Case(name: "hostile-instructions") { runHostileInstructions(&$1) },
  Case(name: "hostile-gic") { runHostileGIC(&$1) },
  Case(name: "hostile-uart") { runHostileUART(&$1) },
  Case(name: "hostile-calls") { runHostileCalls(&$1) },
  Case(name: "hostile-sysregs") { runHostileSystemRegisters(&$1) },
  Case(name: "hostile-tables") { runHostileTables(&$1) },
  Case(name: "hostile-nested") { runHostileNested(&$1) },
  Case(name: "hostile-storm") { runHostileStorm($0, &$1) },
  Case(name: "hostile-psci") { runHostilePSCI(&$1) },
]

/// A guest that behaves, and looks closely.
private let exactCases: [Case] = [
  Case(name: "debug") { runDebug(&$1) },
  Case(name: "state") { runState($0, &$1) },
  Case(name: "firmware") { runFirmware($0, &$1) },
]

/// A guest that errs, and has to be stopped.
private let stoppedCases: [Case] = [
  Case(name: "hostile-spin") { _, _ in HostileEnd.spin() },
  Case(name: "hostile-wfi") { _, _ in HostileEnd.sleep() },
  Case(name: "hostile-vectors") { _, _ in HostileEnd.loseVectors() },
  Case(name: "hostile-stack") { _, _ in HostileEnd.loseStack() },
  Case(name: "hostile-no-tables") { _, _ in HostileEnd.loseTables() },
  Case(name: "hostile-loop") { _, _ in HostileEnd.repeatFault() },
]

let cases: [Case] =
  [
    Case(name: "smoke") { runSmoke(on: machine, options: $0, verdict: &$1) },
    Case(name: "hypercalls") { runHypercalls(on: machine, options: $0, verdict: &$1) },
    Case(name: "shares") { runShares(on: machine, options: $0, verdict: &$1) },
    Case(name: "idle") { _, _ in while true { machine.sleep { false } } },
    Case(name: "bench") { Benchmark($0).run(&$1) },
    Case(name: "hostile") { options, verdict in
      for found in survivedCases {
        machine.say { line in
          line.text("begin ")
          line.text(found.name)
        }
        found.run(options, &verdict)
      }
    },
  ] + exactCases + survivedCases + stoppedCases

extension AArch64Machine {
  func carryOut(_ order: Int) {
    switch order {
    case Benchmark.receiveOrder: BenchmarkMailbox.shared.receive()
    case StateHolder.order: StateHolder.holdUntilOver()
    default: break
    }
  }
}
