import CGuestRISCV64
import GuestKit
import Synchronization

/// Cases that end only when the VM is stopped. Each says so first: `expect stop`.
enum HostileEnd {
  private static func announce(_ name: StaticString) {
    machine.say { line in
      line.text("expect stop: ")
      line.text(name)
    }
  }

  /// `hostile-spin`: an endless loop with everything masked.
  static func spin() {
    announce("endless loop, interrupts masked")
    maskEverything()
    guest_spin()
  }

  /// `hostile-wfi`: sleeps with everything masked and nothing that could come.
  static func sleep() {
    announce("WFI, interrupts masked")
    maskEverything()
    while true { guest_wfi() }
  }

  /// `hostile-vectors`: the vectors are where nothing is, so the first fault repeats for ever.
  static func loseVectors() {
    announce("vectors in nowhere")
    guest_write_stvec(machine.nestedFaultAddress)
    _ = Access.load(8, machine.nestedFaultAddress)
  }

  /// `hostile-stack`: the stack is where nothing is, so the first fault repeats in the vectors.
  static func loseStack() {
    announce("stack in nowhere")
    guest_lose_stack(machine.nestedFaultAddress)
  }

  /// `hostile-no-tables`: the tables are in nowhere; the next fetch fails, as do its vectors.
  static func loseTables() {
    announce("no translation tables")
    guest_lose_tables(8 << 60 | machine.nestedFaultAddress >> 12)
  }

  /// `hostile-loop`: a device access that faults, for ever, with a handler that returns to it.
  static func repeatFault() {
    announce("the same fault again and again")
    machine.cpus[machine.currentCPU].expectsFaults.store(true, ordering: .relaxed)
    machine.cpus[machine.currentCPU].repeatsFault.store(true, ordering: .relaxed)
    _ = Access.load(8, machine.nestedFaultAddress)
  }

  private static func maskEverything() {
    guest_clear_sstatus(RISCV64Machine.interruptEnable)
    guest_write_sie(0)
    machine.stopTimer()
  }
}
