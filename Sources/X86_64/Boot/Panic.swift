import CX86_64
import Kernel
import VMM

/// The hypervisor's last words: what happened, the registers, and the way there, for `apus run` to name.
enum Panic {
  private static let frameLimit = 32

  static func show(_ frame: X86PanicFrame) -> Never {
    let r = frame.gpr
    X86_64.consoleWrite("")
    X86_64.consoleWrite(
      "apus: panic: exception \(frame.vector) in the hypervisor, error \(hex: frame.error), CR2 \(hex: read_CR2()), PC \(hex: frame.rip)"
    )
    X86_64.consoleWrite("apus: RSP \(hex: frame.rsp), CS \(hex: frame.cs), RFLAGS \(hex: frame.rflags)")
    X86_64.consoleWrite("apus: RAX \(hex: r.14) RBX \(hex: r.13) RCX \(hex: r.12) RDX \(hex: r.11)")
    X86_64.consoleWrite("apus: RBP \(hex: r.10) RSI \(hex: r.9) RDI \(hex: r.8)")
    X86_64.consoleWrite("apus: R8 \(hex: r.7) R9 \(hex: r.6) R10 \(hex: r.5) R11 \(hex: r.4)")
    X86_64.consoleWrite("apus: R12 \(hex: r.3) R13 \(hex: r.2) R14 \(hex: r.1) R15 \(hex: r.0)")
    X86_64.consoleWrite("apus: backtrace \(hex: frame.rip)")
    walk(from: r.10)
    X86_64.powerOff()
  }

  /// Follows the chain of frame records {RBP, return address}, each above the one before, inside the hypervisor's addresses.
  private static func walk(from start: UInt64) {
    var record = start
    for _ in 0..<frameLimit {
      guard record >= AddressMap.directMapBase, record & 7 == 0 else { return }
      // SAFETY: a frame record of our own code; a broken chain ends in a second fault, after all this was shown.
      guard let words = unsafe UnsafePointer<UInt64>(bitPattern: UInt(record)) else { return }
      // SAFETY: as above.
      let (next, caller) = unsafe (words[0], words[1])
      guard isCode(caller) else { return }
      X86_64.consoleWrite("apus: backtrace \(hex: caller)")
      guard next > record else { return }
      record = next
    }
  }

  private static func isCode(_ address: UInt64) -> Bool { address >= image_start() && address < image_text_end() }
}
