import CGuestAArch64
import GuestKit
import Synchronization

/// Called by the vectors: `kind` is the vector's number (Arm ARM DDI 0487, D1.3.2.3), `frame` what they saved.
@c(guest_exception)
func takeException(_ kind: UInt64, _ frame: UnsafeMutablePointer<guest_frame>) {
  switch kind {
  case 4 where Excursion.shared.isActive, 8 where Excursion.shared.isActive:
    // SAFETY: the vectors pass the frame they saved on this stack; nobody else has it.
    unsafe Excursion.shared.take(&frame.pointee)
    return
  case 5:
    machine.takeInterrupt()
  case 4:
    let record = machine.currentCPU
    guard machine.cpus[record].expectsFaults.load(ordering: .relaxed) else { break }
    // SAFETY: the vectors pass the frame they saved on this stack; nobody else has it.
    unsafe machine.recordFault(on: record, &frame.pointee)
    return
  case 7 where machine.cpus[machine.currentCPU].expectsFaults.load(ordering: .relaxed):
    // SAFETY: as above. An SError is not the current instruction's: go on with it.
    unsafe machine.noteFault(on: machine.currentCPU, frame.pointee)
    return
  default: break
  }
  if kind == 5 { return }
  // SAFETY: as above.
  unsafe machine.stopForUnexpectedException(kind, frame.pointee)
}

extension AArch64Machine {
  /// Notes a fault that a case expects, and goes on after it.
  func recordFault(on cpu: Int, _ frame: inout guest_frame) {
    noteFault(on: cpu, frame)
    faultAgain(on: cpu)
    if cpus[cpu].repeatsFault.load(ordering: .relaxed) { return }
    switch Syndrome(rawValue: frame.esr).exceptionClass {
    case .supervisorCall, .hypervisorCall: break
    // In the wild there is no next instruction: return from the call that went there.
    default: frame.elr = isInImage(frame.elr) ? frame.elr &+ 4 : frame.x.30
    }
  }

  private func isInImage(_ address: UInt64) -> Bool {
    address >= guest_link_address() && address < guest_end_address() && address & 3 == 0
  }

  /// Counts a fault; the first one's registers are kept.
  func noteFault(on cpu: Int, _ frame: guest_frame) {
    guard cpus[cpu].faultCount.wrappingAdd(1, ordering: .relaxed).oldValue == 0 else { return }
    cpus[cpu].faultSyndrome.store(frame.esr, ordering: .relaxed)
    cpus[cpu].faultAddress.store(frame.far, ordering: .relaxed)
    cpus[cpu].faultInstruction.store(frame.elr, ordering: .relaxed)
  }

  @inline(never) func stopForUnexpectedException(_ kind: UInt64, _ frame: guest_frame) -> Never {
    say { line in
      line.text("unexpected exception ")
      line.decimal(kind)
      line.text(" on cpu ")
      line.decimal(currentCPU)
      line.text(": esr ")
      line.hex(frame.esr)
      line.text(" far ")
      line.hex(frame.far)
      line.text(" elr ")
      line.hex(frame.elr)
      line.text(" lr ")
      line.hex(frame.x.30)
    }
    say { $0.text("done failed") }
    powerOff()
  }
}
