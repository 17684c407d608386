import CX86_64
import Kernel
import VMM

extension X86_64 {
  public static func consoleWrite(byte: UInt8) {
    PhysicalUART.com1.write(byte)
  }

  public static func consoleRead() -> UInt8? {
    if let byte = PhysicalUART.com1.read() { return byte }
    PhysicalUART.com1.enableInput()
    return nil
  }

  /// Sleep state S5 (ACPI 6.5, 16.1.7), or a halt where the firmware's tables do not say how to get there.
  public static func powerOff() -> Never {
    // SAFETY: written once, at boot, before there is another CPU.
    if let sleep = unsafe Boot.softOff { x86_out16(sleep.port, sleep.value) }
    while true { x86_halt() }
  }
}
