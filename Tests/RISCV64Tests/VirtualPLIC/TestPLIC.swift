import Virtualization

@testable import RISCV64

/// A PLIC by reference: what cannot be copied cannot stand in an expectation.
final class TestPLIC: Sendable {
  private let plic: VirtualPLIC

  init(vcpuCount: Int = 2) { plic = VirtualPLIC(vcpuCount: vcpuCount) }

  func setLine(_ source: Int, _ isAsserted: Bool) -> UInt64 { plic.setLine(source, isAsserted: isAsserted) }
  func isSignalled(_ vcpu: Int) -> Bool { plic.isSignalled(vcpu) }
  func reset() { plic.reset() }

  func read(_ offset: UInt64, _ width: AccessWidth = .word, by vcpu: Int = 0) -> UInt64 {
    var notified: UInt64 = 0
    return plic.read(offset, width, by: vcpu, notified: &notified)
  }

  /// A read, and who is to be notified of it.
  func readAndNotified(_ offset: UInt64, by vcpu: Int) -> (value: UInt64, notified: UInt64) {
    var notified: UInt64 = 0
    let value = plic.read(offset, .word, by: vcpu, notified: &notified)
    return (value, notified)
  }

  @discardableResult
  func write(_ offset: UInt64, _ value: UInt64, _ width: AccessWidth = .word, by vcpu: Int = 0) -> UInt64 {
    plic.write(offset, width, value, by: vcpu)
  }

  // MARK: - As a driver

  func enable(_ source: Int, in context: Int, priority: UInt64 = 1) {
    write(UInt64(source) * 4, priority)
    let word = 0x2000 + UInt64(context) * 0x80 + UInt64(source) / 32 * 4
    write(word, read(word) | 1 << UInt64(source % 32))
  }

  func claim(_ context: Int) -> UInt64 { read(0x20_0004 + UInt64(context) * 0x1000, by: context) }
  func complete(_ source: UInt64, _ context: Int) {
    write(0x20_0004 + UInt64(context) * 0x1000, source, by: context)
  }
}
