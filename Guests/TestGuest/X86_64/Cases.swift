import GuestKit

/// A case: its name on the command line, and what it does.
struct Case: Sendable {
  let name: StaticString
  let run: @Sendable (Options, inout Verdict) -> Void
}

let cases: [Case] = [
  Case(name: "smoke") { runSmoke(on: machine, options: $0, verdict: &$1) },
  Case(name: "hypercalls") { runHypercalls(on: machine, options: $0, verdict: &$1) },
]
