import DeviceTree
import Kernel
import VMM

/// The machine's own clock, read once: `google,goldfish-rtc`.
enum PhysicalClock {
  /// Nanoseconds since 1970 when `time` was 0; 0 where the machine has no clock that is known here.
  static func nanosecondsAtCounterZero(_ platform: Platform) -> UInt64 {
    guard let node = platform.tree.firstNode(compatibleWith: "google,goldfish-rtc"), node.isEnabled else { return 0 }
    var registers = node.registers
    guard let own = registers.next(), let register = platform.tree.translate(own, of: node) else { return 0 }
    let window = AddressMap.mapDevice(at: HostPhysicalAddress(register.address), byteCount: register.byteCount)
    // The lower half is read first and keeps the upper half that belongs to it.
    let low = UInt64(window.read32(0))
    return (UInt64(window.read32(4)) << 32 | low) &- TimeOfDay.nanoseconds(ofTicks: RISCV64.counter)
  }
}
