import CGuestRISCV64
import GuestKit
import Synchronization

/// Called by the vectors: `cause` is `scause`, `frame` what they saved.
@c(guest_exception)
func takeException(_ cause: UInt64, _ frame: UnsafeMutablePointer<guest_frame>) {
  let cause = Cause(rawValue: cause)
  let me = machine.currentCPU
  if let interrupt = cause.interrupt {
    machine.take(interrupt)
  } else if !cause.isInterrupt && machine.cpus[me].expectsFaults.load(ordering: .relaxed) {
    // SAFETY: the vectors pass the frame they saved on this stack; nobody else has it.
    unsafe machine.recordFault(on: me, &frame.pointee)
  } else {
    // SAFETY: as above.
    unsafe machine.stopForUnexpectedException(frame.pointee)
  }
}

extension RISCV64Machine {
  /// Notes a fault that a case expects, and goes on after it.
  func recordFault(on cpu: Int, _ frame: inout guest_frame) {
    noteFault(on: cpu, frame)
    faultAgain(on: cpu)
    if cpus[cpu].repeatsFault.load(ordering: .relaxed) { return }
    // In the wild there is no next instruction: return from the call that went there.
    frame.sepc = isInImage(frame.sepc) ? frame.sepc &+ instructionByteCount(at: frame.sepc) : frame.x.1
  }

  private func isInImage(_ address: UInt64) -> Bool {
    address >= guest_link_address() && address < guest_end_address() && address & 1 == 0
  }

  /// Two bytes where the lowest two bits are not both ones.
  private func instructionByteCount(at address: UInt64) -> UInt64 {
    // SAFETY: the address lies in this image, which is mapped.
    let low = unsafe guest_read16(UnsafeRawPointer(bitPattern: UInt(address)))
    return low & 3 == 3 ? 4 : 2
  }

  /// Counts a fault; the first one's registers are kept.
  private func noteFault(on cpu: Int, _ frame: guest_frame) {
    guard cpus[cpu].faultCount.wrappingAdd(1, ordering: .relaxed).oldValue == 0 else { return }
    cpus[cpu].faultSyndrome.store(frame.scause, ordering: .relaxed)
    cpus[cpu].faultAddress.store(frame.stval, ordering: .relaxed)
    cpus[cpu].faultInstruction.store(frame.sepc, ordering: .relaxed)
  }

  func stopForUnexpectedException(_ frame: guest_frame) -> Never {
    say { line in
      line.text("unexpected exception on cpu ")
      line.decimal(currentCPU)
      line.text(": scause ")
      line.hex(frame.scause)
      line.text(" stval ")
      line.hex(frame.stval)
      line.text(" sepc ")
      line.hex(frame.sepc)
      line.text(" ra ")
      line.hex(frame.x.1)
    }
    say { $0.text("done failed") }
    powerOff()
  }
}
