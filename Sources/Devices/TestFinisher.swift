import Virtualization

/// The test finisher of SiFive's machines as QEMU's riscv `virt` has it (`sifive,test0`, `syscon`): one register, whose
/// writing ends the machine or resets it.
///
/// The low halfword says what is asked; with a failure the high halfword is a code. Accesses of 16 and 32 bits at the
/// beginning count; everything reads as zero, and other writes are ignored. It has no state, so any number of vCPUs use it at
/// once.
public struct TestFinisher<Switch: PowerSwitch> {
  private let power: Switch

  public init(power: Switch) { self.power = power }

  public func read(offset: UInt64, width: AccessWidth) -> UInt64 { 0 }

  public func write(offset: UInt64, width: AccessWidth, value: UInt64) {
    guard offset == 0, width == .halfword || width == .word else { return }
    let value = value & width.mask
    switch value & 0xffff {
    case TestFinisherCommand.fail: power.request(.failure(UInt16(truncatingIfNeeded: value >> 16)))
    case TestFinisherCommand.pass: power.request(.powerOff)
    case TestFinisherCommand.reset: power.request(.reset)
    default: break
    }
  }
}

/// What the low halfword may say.
public enum TestFinisherCommand {
  public static let fail: UInt64 = 0x3333
  public static let pass: UInt64 = 0x5555
  public static let reset: UInt64 = 0x7777
}
