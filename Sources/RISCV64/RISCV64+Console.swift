import CRISCV64
import Kernel
import VMM

extension RISCV64 {
  public static func consoleWrite(byte: UInt8) {
    // SAFETY: written once, at boot, before there is another hart.
    unsafe Boot.earlyConsole.write(byte)
  }

  public static func consoleRead() -> UInt8? {
    // SAFETY: as above.
    let uart = unsafe Boot.earlyConsole
    if let byte = uart.read() { return byte }
    uart.enableInput()
    return nil
  }

  /// SBI system reset, by the machine's own firmware.
  public static func powerOff() -> Never {
    MachineFirmware.shutDown()
    while true { riscv64_wfi() }
  }
}
