import CAArch64
import Kernel
import VMM

extension AArch64 {
  public static func consoleWrite(byte: UInt8) {
    // SAFETY: written once, at boot, before there is another CPU.
    unsafe Boot.earlyConsole?.write(byte)
  }

  public static func consoleRead() -> UInt8? {
    // SAFETY: as above.
    guard let uart = unsafe Boot.earlyConsole else { return nil }
    if let byte = uart.read() { return byte }
    uart.enableInput()
    return nil
  }

  /// PSCI SYSTEM_OFF, to the machine's own firmware (Arm DEN0022, 5.9).
  public static func powerOff() -> Never {
    _ = smc_call(0x8400_0008, 0, 0, 0)
    while true { aarch64_wfi() }
  }
}
