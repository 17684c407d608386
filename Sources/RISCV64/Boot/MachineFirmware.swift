import CRISCV64

/// Calls to the machine's own firmware (RISC-V Supervisor Binary Interface 2.0).
enum MachineFirmware {
  /// Extensions by their identifiers.
  private enum Extension {
    static let legacyPutchar: UInt64 = 0x01
    static let legacyGetchar: UInt64 = 0x02
    static let legacyShutdown: UInt64 = 0x08
    static let base: UInt64 = 0x10
    static let time: UInt64 = 0x5449_4d45
    static let ipi: UInt64 = 0x0073_5049
    static let remoteFence: UInt64 = 0x5246_4e43
    static let hartState: UInt64 = 0x0048_534d
    static let systemReset: UInt64 = 0x5352_5354
    static let debugConsole: UInt64 = 0x4442_434e
  }

  private static func call(
    _ extension: UInt64, _ function: UInt64, _ a0: UInt64 = 0, _ a1: UInt64 = 0, _ a2: UInt64 = 0, _ a3: UInt64 = 0,
    _ a4: UInt64 = 0
  ) -> SBIReturn {
    sbi_call(a0, a1, a2, a3, a4, 0, function, `extension`)
  }

  /// Whether the firmware has an extension (chapter 4, "Probe SBI extension").
  private static func has(_ extension: UInt64) -> Bool { call(Extension.base, 3, `extension`).value != 0 }

  static var hasDebugConsole: Bool { has(Extension.debugConsole) }
  static var hasHartState: Bool { has(Extension.hartState) }

  /// `deadline` in ticks of `time` (chapter 6).
  static func setTimer(_ deadline: UInt64) { _ = call(Extension.time, 0, deadline) }

  /// Raises `sip.SSIP` there (chapter 7).
  static func sendIPI(toHart hart: UInt64) { _ = call(Extension.ipi, 0, 1, hart) }

  /// Starts a hart that is stopped; 0 or the standard's error (chapter 9).
  static func startHart(_ hart: UInt64, at address: UInt64, argument: UInt64) -> Int64 {
    call(Extension.hartState, 0, hart, address, argument).error
  }

  /// Ends the machine, or fails to (chapter 10).
  static func shutDown() {
    _ = call(Extension.systemReset, 0, 0, 0)
    _ = call(Extension.legacyShutdown, 0)
  }

  // MARK: - Console

  /// A byte by the debug console (chapter 12).
  static func write(_ byte: UInt8) { _ = call(Extension.debugConsole, 2, UInt64(byte)) }

  /// A byte by the legacy console (chapter 5).
  static func writeLegacy(_ byte: UInt8) { _ = call(Extension.legacyPutchar, 0, UInt64(byte)) }

  /// Legacy calls answer in a0 alone; all ones where there is no byte.
  static func readLegacy() -> UInt8? {
    let answer = call(Extension.legacyGetchar, 0).error
    return answer < 0 ? nil : UInt8(truncatingIfNeeded: answer)
  }

  // MARK: - Fences on other harts (chapter 8)

  /// FENCE.I on harts `base` + n for each bit n of `mask`.
  static func fenceInstructions(harts mask: UInt64, base: UInt64) { _ = call(Extension.remoteFence, 0, mask, base) }

  /// SFENCE.VMA of everything, on every hart.
  static func fenceOwnOnAllHarts() { _ = call(Extension.remoteFence, 1, 0, .max, 0, .max) }

  /// HFENCE.GVMA for a VMID, of everything.
  static func fenceNested(vmid: UInt64, harts mask: UInt64, base: UInt64) {
    _ = call(Extension.remoteFence, 3, mask, base, 0, .max, vmid)
  }

  /// HFENCE.VVMA for the VMID in this hart's hgatp.
  static func fenceGuest(start: UInt64, byteCount: UInt64, harts mask: UInt64, base: UInt64) {
    _ = call(Extension.remoteFence, 6, mask, base, start, byteCount)
  }

  /// As above, for one address space of the guest.
  static func fenceGuest(asid: UInt64, start: UInt64, byteCount: UInt64, harts mask: UInt64, base: UInt64) {
    _ = call(Extension.remoteFence, 5, mask, base, start, byteCount, asid)
  }
}
