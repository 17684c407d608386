import Kernel
import Simulation
import Testing
import Virtualization

@testable import VMM

@Suite struct ConsoleTests {
  /// A guest that reads what is typed and answers each character with a line; `.` ends it.
  private static func echo(_ system: TestSystem, _ vcpu: Reference<VCPU<A>>) -> GuestStep {
    let state = vcpu.value.state
    let answer = state.input.flatMap { [0x3c, $0, 0x3e, 0x0a] as [UInt8] }
    if state.written < answer.count {
      defer { state.written += 1 }
      return .write(answer[state.written])
    }
    if state.input.last == UInt8(ascii: ".") { return .systemDown(.powerOff) }
    return state.steps % 2 == 0 ? .read : .halt(20)
  }

  private static func type(_ text: String, at system: TestSystem) {
    system.simulation.consoleInput += Array(text.utf8)
    system.console.value.wake()
  }

  /// Boots two VMs, `a` and `b`, and types one text after the other, each when what comes before it is shown.
  private static func converse(_ steps: [(type: String, shows: String)], perMille: Int, isGood: Bool) -> [String] {
    Simulation.forEachSeed(perMille: perMille) { seed in
      TestSystem.run(
        seed: seed, cpus: 1 + Int(seed % 2), vms: [testVM("a"), testVM("b")], isGood: isGood, guest: echo,
        operate: { system in
          for step in steps {
            type(step.type, at: system)
            system.wait("after \(step.type.debugDescription): \(step.shows.debugDescription)") {
              system.shown.contains(step.shows)
            }
            if !system.shown.contains(step.shows) { return system.simulation.fail(system.shown) }
          }
          for owner in system.vmm.value.owners { _ = owner.value.perform(.stop) }
        })
    }
  }

  @Test func aDigitMovesTheFocusAndTheVMInFocusGetsWhatIsTyped() {
    let failures = Self.converse(
      [
        ("\u{18}1", "apus: focus on a\r\n"), ("x", "<x>"), ("\u{18}2", "apus: focus on b\r\n"), ("y", "<y>"),
        ("\u{18}0", "apus: all VMs\r\n"),
      ], perMille: 4, isGood: true)
    #expect(failures == [])
  }

  @Test func nAndPGoRound() {
    let failures = Self.converse(
      [
        ("\u{18}n", "apus: focus on a\r\n"), ("\u{18}n", "apus: focus on b\r\n"), ("u", "<u>"),
        ("\u{18}n\u{18}p", "focus on a\r\napus: focus on b\r\n"), ("v", "<v>"),
      ], perMille: 3, isGood: true)
    #expect(failures == [])
  }

  @Test func aDoubledPrefixIsSentToTheVM() {
    let failures = Self.converse(
      [("\u{18}1", "focus on a"), ("\u{18}\u{18}", "<\u{18}>")], perMille: 3, isGood: true)
    #expect(failures == [])
  }

  @Test func anUnknownKeyAfterThePrefixIsAnsweredWithTheKeysThatThereAre() {
    let failures = Self.converse([("\u{18}?", "apus: Ctrl-X and 1 to 9")], perMille: 2, isGood: true)
    #expect(failures == [])
  }

  @Test func kStopsTheVMInFocus() {
    let failures = Self.converse(
      [("\u{18}2", "focus on b"), ("\u{18}k", "apus: vm b: stopped by command")], perMille: 4, isGood: true)
    #expect(failures == [])
  }

  @Test func withoutAFocusLinesStandBehindTheirVMsNames() {
    let failures = Simulation.forEachSeed(perMille: 4) { seed in
      TestSystem.run(
        seed: seed, cpus: 1 + Int(seed % 2), vms: [testVM("a"), testVM("b")], isGood: true,
        guest: { _, vcpu in
          let text = Array((vcpu.value.vm.value.id == 0 ? "one\r\ntwo\nthree" : "four\n\nfive\n").utf8)
          let state = vcpu.value.state
          if state.written == text.count { return .systemDown(.powerOff) }
          defer { state.written += 1 }
          return .write(text[state.written])
        },
        atEnd: { system in
          Console.finish(system.console)
          let lines = system.shown.split(separator: "\r\n")
          let a = lines.filter { $0.hasPrefix("[a] ") }
          let b = lines.filter { $0.hasPrefix("[b] ") }
          if a != ["[a] one", "[a] two", "[a] three"] { system.simulation.fail("\(a)") }
          if b != ["[b] four", "[b] five"] { system.simulation.fail("\(b)") }
        })
    }
    #expect(failures == [])
  }
}
