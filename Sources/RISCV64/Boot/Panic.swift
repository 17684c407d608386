import CRISCV64
import Kernel
import Synchronization
import VMM

/// The hypervisor's last words: what happened, the registers, and the way there, for `apus run` to name.
enum Panic {
  private static let frameLimit = 32

  /// Whether last words are being said. Whoever finds it set has nothing to add.
  private static let isShown = Atomic<Bool>(false)

  static func show(_ frame: PanicFrame) -> Never {
    if isShown.exchange(true, ordering: .sequentiallyConsistent) { RISCV64.powerOff() }
    RISCV64.consoleWrite("")
    RISCV64.consoleWrite(
      "apus: panic: trap \(frame.scause) in the hypervisor, stval \(hex: frame.stval), pc \(hex: frame.sepc)")
    RISCV64.consoleWrite("apus: sp \(hex: frame.x.2), ra \(hex: frame.x.1), sstatus \(hex: frame.sstatus)")
    RISCV64.consoleWrite(
      "apus: a0 \(hex: frame.x.10) a1 \(hex: frame.x.11) a2 \(hex: frame.x.12) a3 \(hex: frame.x.13)")
    RISCV64.consoleWrite(
      "apus: a4 \(hex: frame.x.14) a5 \(hex: frame.x.15) a6 \(hex: frame.x.16) a7 \(hex: frame.x.17)")
    RISCV64.consoleWrite("apus: s0 \(hex: frame.x.8) s1 \(hex: frame.x.9) s2 \(hex: frame.x.18) s3 \(hex: frame.x.19)")
    RISCV64.consoleWrite("apus: t0 \(hex: frame.x.5) t1 \(hex: frame.x.6) t2 \(hex: frame.x.7) tp \(hex: frame.x.4)")
    RISCV64.consoleWrite("apus: backtrace \(hex: frame.sepc)")
    walk(from: frame.x.8, returnAddress: frame.x.1)
    RISCV64.powerOff()
  }

  /// Follows the chain of frame records {s0, ra}, which end where s0 points, each above the one before.
  private static func walk(from start: UInt64, returnAddress: UInt64) {
    if isCode(returnAddress) { RISCV64.consoleWrite("apus: backtrace \(hex: returnAddress)") }
    var record = start
    for _ in 0..<frameLimit {
      guard record >= AddressMap.directMapBase, record & 7 == 0 else { return }
      // SAFETY: a frame record of our own code; a broken chain ends in a second fault, after all this was shown.
      guard let words = unsafe UnsafePointer<UInt64>(bitPattern: UInt(record &- 16)) else { return }
      let next = unsafe words[0]
      let caller = unsafe words[1]
      guard isCode(caller) else { return }
      RISCV64.consoleWrite("apus: backtrace \(hex: caller)")
      guard next > record else { return }
      record = next
    }
  }

  private static func isCode(_ address: UInt64) -> Bool { address >= image_start() && address < image_text_end() }
}
