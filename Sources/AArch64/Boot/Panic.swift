import CAArch64
import Kernel
import VMM

/// The hypervisor's last words: what happened, the registers, and the way there, for `apus run` to name.
enum Panic {
  private static let frameLimit = 32

  static func show(_ frame: PanicFrame) -> Never {
    AArch64.consoleWrite("")
    AArch64.consoleWrite(
      "apus: panic: exception \(frame.kind) in the hypervisor, ESR \(hex: frame.esr), FAR \(hex: frame.far), PC \(hex: frame.elr)"
    )
    AArch64.consoleWrite("apus: SP \(hex: frame.sp), LR \(hex: frame.x.30), SPSR \(hex: frame.spsr)")
    AArch64.consoleWrite("apus: X0 \(hex: frame.x.0) X1 \(hex: frame.x.1) X2 \(hex: frame.x.2) X3 \(hex: frame.x.3)")
    AArch64.consoleWrite("apus: X4 \(hex: frame.x.4) X5 \(hex: frame.x.5) X6 \(hex: frame.x.6) X7 \(hex: frame.x.7)")
    AArch64.consoleWrite(
      "apus: X8 \(hex: frame.x.8) X9 \(hex: frame.x.9) X10 \(hex: frame.x.10) X11 \(hex: frame.x.11)")
    AArch64.consoleWrite(
      "apus: X19 \(hex: frame.x.19) X20 \(hex: frame.x.20) X21 \(hex: frame.x.21) X22 \(hex: frame.x.22)")
    AArch64.consoleWrite("apus: backtrace \(hex: frame.elr)")
    walk(from: frame.x.29, returnAddress: frame.x.30)
    AArch64.powerOff()
  }

  /// Follows the chain of frame records {X29, X30}, each above the one before, inside the hypervisor's addresses.
  private static func walk(from start: UInt64, returnAddress: UInt64) {
    if isCode(returnAddress) { AArch64.consoleWrite("apus: backtrace \(hex: returnAddress)") }
    var record = start
    for _ in 0..<frameLimit {
      guard record >= AddressMap.directMapBase, record & 7 == 0 else { return }
      // SAFETY: a frame record of our own code; a broken chain ends in a second fault, after all this was shown.
      guard let words = unsafe UnsafePointer<UInt64>(bitPattern: UInt(record)) else { return }
      let next = unsafe words[0]
      let caller = unsafe words[1]
      guard isCode(caller) else { return }
      AArch64.consoleWrite("apus: backtrace \(hex: caller)")
      guard next > record else { return }
      record = next
    }
  }

  private static func isCode(_ address: UInt64) -> Bool { address >= image_start() && address < image_text_end() }
}
