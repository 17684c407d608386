import CGuestX86_64
import GuestKit
import Synchronization

/// The one machine. Made on the boot CPU before any other runs.
let machine = X86Machine()

/// The test guest: greets, runs the case that its command line names, says how it went and powers off.
@main
struct TestGuest {
  static func main() {
    machine.prepare()
    let options = Options(machine.platform.commandLine)
    let name = options.value("case") ?? ArraySlice(defaultCase)
    greet(name)
    var verdict = Verdict(name, on: machine)
    if let found = cases.first(where: { name.matches($0.name) }) {
      found.run(options, &verdict)
    } else {
      verdict.check(false, "a case of that name")
      machine.say { $0.text("cases:") }
      for known in cases { machine.say { $0.text(known.name) } }
    }
    verdict.conclude()
    machine.powerOff()
  }

  private static let defaultCase: [UInt8] = [0x73, 0x6D, 0x6F, 0x6B, 0x65]

  private static func greet(_ name: ArraySlice<UInt8>) {
    machine.say { line in
      line.text("hello from the test guest, x86_64, case ")
      line.text(name)
    }
    machine.say { line in
      line.text("cpus ")
      line.decimal(machine.cpus.count)
      for range in machine.platform.memory {
        line.text(", memory ")
        line.hex(range.address)
        line.text(" MiB ")
        line.decimal(range.byteCount >> 20)
      }
      line.text(", loaded at ")
      line.hex(guest_load_address())
    }
  }
}

/// Where the assembly brings every other CPU.
@c(guest_secondary_main)
func startSecondary(_ index: UInt64) {
  let me = Int(truncatingIfNeeded: index)
  machine.cpus[me].entryTime.store(machine.counter, ordering: .relaxed)
  machine.prepareAPIC()
  guest_interrupts_on()
  secondaryMain(on: machine, hardwareID: LocalAPIC.identifier)
}

/// An exception or an interrupt, interrupts masked.
@c(guest_exception)
func takeException(_ frame: UnsafePointer<guest_frame>) {
  // SAFETY: the vectors have filled the frame on the stack.
  let (vector, error, address) = unsafe (frame.pointee.vector, frame.pointee.error, frame.pointee.rip)
  if vector >= 32 { return machine.takeInterrupt(vector) }
  machine.say { line in
    line.text("exception ")
    line.decimal(vector)
    line.text(" error ")
    line.hex(error)
    line.text(" at ")
    line.hex(address)
  }
  machine.powerOff()
}
