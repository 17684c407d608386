import CWorkload

/// The few system calls of Linux that the work is made of, by their numbers on every architecture whose table is the
/// generic one (Linux, include/uapi/asm-generic/unistd.h).
enum Linux {
  private enum Number: UInt64 {
    case pipe2 = 59
    case read = 63
    case write = 64
    case exit = 93
    case nanosleep = 101
    case reboot = 142
    case munmap = 215
    case clone = 220
    case mmap = 222
    case wait4 = 260
  }

  private static func call(
    _ number: Number, _ a0: UInt64 = 0, _ a1: UInt64 = 0, _ a2: UInt64 = 0, _ a3: UInt64 = 0, _ a4: UInt64 = 0,
    _ a5: UInt64 = 0
  ) -> Int64 {
    workload_call(number.rawValue, a0, a1, a2, a3, a4, a5)
  }

  // MARK: Processes

  /// 0 in the child, its number in the parent, negative where it could not be made.
  static func fork() -> Int64 { call(.clone, 17) }  // SIGCHLD

  static func exit() -> Never {
    while true { _ = call(.exit) }
  }

  static func wait(for child: Int64) -> Bool { call(.wait4, UInt64(bitPattern: child)) == child }

  static func sleep(nanoseconds: UInt64) -> Bool {
    withUnsafeWords(0, nanoseconds) { call(.nanosleep, $0) } == 0
  }

  static func powerOff() -> Never {
    _ = call(.reboot, 0xFEE1_DEAD, 672_274_793, 0x4321_FEDC)
    exit()
  }

  // MARK: Memory

  /// Private memory that nothing backs yet.
  static func mapMemory(byteCount: UInt64) -> UInt64? {
    let address = call(.mmap, 0, byteCount, 3, 0x22, UInt64(bitPattern: -1), 0)
    return address > 0 ? UInt64(address) : nil
  }

  static func unmapMemory(_ address: UInt64, byteCount: UInt64) -> Bool { call(.munmap, address, byteCount) == 0 }

  // MARK: Files

  /// The ends of a new pipe.
  static func makePipe() -> (output: UInt64, input: UInt64)? {
    var ends: UInt64 = 0  // Two numbers of 32 bits.
    // SAFETY: Linux writes eight bytes, which is what the variable has.
    let result = unsafe withUnsafeMutablePointer(to: &ends) { call(.pipe2, UInt64(UInt(bitPattern: $0))) }
    return result == 0 ? (ends & 0xFFFF_FFFF, ends >> 32) : nil
  }

  /// Waits for one byte.
  static func read(from end: UInt64) -> Bool { withUnsafeWords(0, 0) { call(.read, end, $0, 1) } == 1 }

  static func write(to end: UInt64) { _ = withUnsafeWords(0, 0) { call(.write, end, $0, 1) } }

  static func print(_ text: StaticString) {
    // SAFETY: the text is constant memory of the length that it says.
    _ = unsafe call(.write, 1, UInt64(UInt(bitPattern: text.utf8Start)), UInt64(text.utf8CodeUnitCount))
  }

  /// Gives the address of two words that a call reads or writes.
  private static func withUnsafeWords(_ first: UInt64, _ second: UInt64, _ body: (UInt64) -> Int64) -> Int64 {
    var words = (first, second)
    // SAFETY: no call that is given it reaches beyond 16 bytes, or keeps the address.
    return unsafe withUnsafeMutablePointer(to: &words) { body(UInt64(UInt(bitPattern: $0))) }
  }
}
