import DeviceTree
import Kernel
import VMM

/// The machine's own clock (PL031, Arm DDI 0224). It is read once; from then on the counter tells the time.
enum PhysicalClock {
  private static let rtcDR = 0x000  // seconds since 1970

  /// The time of day when the counter was 0, in seconds since 1970; 0 where the machine has no clock.
  static func secondsAtCounterZero(_ platform: Platform) -> UInt64 {
    guard let node = platform.tree.firstNode(compatibleWith: "arm,pl031"), node.isEnabled else { return 0 }
    var registers = node.registers
    guard let first = registers.next(), let place = platform.tree.translate(first, of: node) else { return 0 }
    let window = AddressMap.mapDevice(
      at: HostPhysicalAddress(place.address), byteCount: max(place.byteCount, 4096))
    let now = UInt64(window.read32(rtcDR))
    return now &- min(now, AArch64.counter / AArch64.counterFrequencyHz)
  }
}
