import CGuestX86_64

/// The CPU's own local APIC, in x2APIC mode (Intel SDM 3A, 10.12).
enum LocalAPIC {
  private static let base: UInt32 = 0x1B
  private static let first: UInt32 = 0x800
  private static let tscDeadline: UInt32 = 0x6E0

  static let timerVector: UInt64 = 0x30
  static let serialVector: UInt64 = 0x31
  /// The interrupts that CPUs send to each other, by their raw value.
  static let firstGuestVector: UInt64 = 0x40
  static let spuriousVector: UInt64 = 0xFF

  private static func write(_ register: UInt32, _ value: UInt64) { guest_wrmsr(first + register, value) }

  /// x2APIC mode, the timer by deadlines.
  static func prepare() {
    guest_wrmsr(base, guest_rdmsr(base) | 3 << 10)
    write(0x0F, 0x100 | spuriousVector)
    write(0x32, 2 << 17 | timerVector)
  }

  static var identifier: UInt64 { guest_rdmsr(first + 0x02) }

  static func endInterrupt() { write(0x0B, 0) }
  static func setTimer(at deadline: UInt64) { guest_wrmsr(tscDeadline, deadline) }
  static func send(_ vector: UInt64, to identifier: UInt64) { write(0x30, identifier << 32 | 1 << 14 | vector) }
  static func initialise(_ identifier: UInt64) { write(0x30, identifier << 32 | 1 << 14 | 5 << 8) }
  static func start(_ identifier: UInt64, page: UInt64) { write(0x30, identifier << 32 | 1 << 14 | 6 << 8 | page) }
}

/// The I/O APIC (Intel 82093AA), by its registers in memory.
struct IOAPIC: Sendable {
  let address: UInt64

  func enable(_ input: UInt32, vector: UInt64, to identifier: UInt64) {
    write(0x11 + input * 2, UInt32(truncatingIfNeeded: identifier) << 24)
    write(0x10 + input * 2, UInt32(truncatingIfNeeded: vector))
  }

  /// Entries of its table, as its version register says.
  var inputCount: UInt32 {
    register(0x00, 0x01)
    // SAFETY: the ACPI tables name the address, and it is mapped.
    return (unsafe guest_read32(UnsafeRawPointer(bitPattern: UInt(address + 0x10))) >> 16 & 0xFF) + 1
  }

  private func write(_ number: UInt32, _ value: UInt32) {
    register(0x00, number)
    register(0x10, value)
  }

  private func register(_ offset: UInt64, _ value: UInt32) {
    // SAFETY: as above.
    unsafe guest_write32(UnsafeMutableRawPointer(bitPattern: UInt(address + offset)), value)
  }
}
