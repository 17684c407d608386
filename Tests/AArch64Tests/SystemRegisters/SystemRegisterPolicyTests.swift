import Testing

@testable import AArch64

/// Encodings by the Arm ARM (DDI 0487, D19) and IHI 0069, 12.2.
@Suite struct SystemRegisterPolicyTests {
  private func read(_ register: SystemRegister) -> SystemRegisterPolicy.Disposition {
    SystemRegisterPolicy.disposition(of: register, .read)
  }

  private func write(_ register: SystemRegister) -> SystemRegisterPolicy.Disposition {
    SystemRegisterPolicy.disposition(of: register, .write)
  }

  @Test func sgiRegistersSendAndCannotBeRead() {
    #expect(write(SystemRegister(3, 0, 12, 11, 5)) == .sendSGI(.group1))
    #expect(write(SystemRegister(3, 0, 12, 11, 6)) == .sendSGI(.group0))
    #expect(write(SystemRegister(3, 0, 12, 11, 7)) == .sendSGI(.group0))
    #expect(read(SystemRegister(3, 0, 12, 11, 5)) == .undefined)
    #expect(write(SystemRegister(3, 0, 12, 11, 1)) == .deactivateInterrupt)
  }

  @Test func thePhysicalTimerIsServed() {
    #expect(read(SystemRegister(3, 3, 14, 0, 1)) == .physicalCounter)
    #expect(read(SystemRegister(3, 3, 14, 0, 5)) == .physicalCounter)
    #expect(write(SystemRegister(3, 3, 14, 0, 1)) == .undefined)
    #expect(read(SystemRegister(3, 3, 14, 2, 0)) == .physicalTimer(.timerValue))
    #expect(write(SystemRegister(3, 3, 14, 2, 1)) == .physicalTimer(.control))
    #expect(write(SystemRegister(3, 3, 14, 2, 2)) == .physicalTimer(.compareValue))
  }

  @Test func idRegistersAreReadFromTheTableAndCannotBeWritten() {
    #expect(read(SystemRegister(3, 0, 0, 4, 0)) == .identification(index: 0o40))
    #expect(read(SystemRegister(3, 0, 0, 7, 7)) == .identification(index: 0o77))
    #expect(write(SystemRegister(3, 0, 0, 4, 0)) == .undefined)
  }

  @Test func theOSLockCanBeOpenedAndClosed() {
    #expect(write(SystemRegister(2, 0, 1, 0, 4)) == .osLock)
    #expect(read(SystemRegister(2, 0, 1, 1, 4)) == .osLock)
    #expect(read(SystemRegister(2, 0, 1, 0, 4)) == .undefined)
    #expect(write(SystemRegister(2, 0, 1, 1, 4)) == .undefined)
  }

  @Test func setsAndWaysAreNobodysBusiness() {
    for register in [SystemRegister(1, 0, 7, 6, 2), SystemRegister(1, 0, 7, 10, 2), SystemRegister(1, 0, 7, 14, 2)] {
      #expect(write(register) == .ignored)
    }
  }

  @Test(arguments: [
    SystemRegister(3, 3, 9, 12, 0), SystemRegister(3, 3, 9, 13, 0), SystemRegister(3, 0, 9, 14, 1),
    SystemRegister(3, 3, 14, 8, 0), SystemRegister(3, 3, 14, 15, 7),  // PMU
    SystemRegister(3, 0, 9, 9, 0), SystemRegister(3, 0, 9, 10, 0), SystemRegister(3, 0, 9, 11, 0),  // SPE, TRBE
    SystemRegister(3, 0, 1, 2, 0), SystemRegister(3, 0, 1, 2, 6), SystemRegister(3, 3, 4, 2, 2),  // SVE, SME
    SystemRegister(3, 0, 1, 0, 6), SystemRegister(3, 0, 5, 6, 0), SystemRegister(3, 1, 0, 0, 4),  // MTE
    SystemRegister(3, 3, 13, 2, 0), SystemRegister(3, 0, 5, 3, 0), SystemRegister(3, 0, 10, 4, 0),  // AMU, RAS, LOR
    SystemRegister(3, 0, 13, 0, 7), SystemRegister(3, 0, 1, 2, 1), SystemRegister(2, 1, 0, 0, 0),  // SCXT, trace
    SystemRegister(3, 0, 15, 0, 0), SystemRegister(3, 1, 11, 0, 0),  // implementation defined
    SystemRegister(3, 0, 2, 0, 3),  // TCR2_EL1
    SystemRegister(3, 4, 1, 1, 0), SystemRegister(3, 6, 1, 1, 0),  // HCR_EL2, SCR_EL3
  ])
  func whatIsHiddenIsUndefinedBothWays(register: SystemRegister) {
    #expect(read(register) == .undefined)
    #expect(write(register) == .undefined)
  }

  @Test func everyEncodingHasAnAnswer() {
    for raw in UInt32(0)..<1 << 16 {
      let register = SystemRegister(raw & 3, raw >> 2 & 7, raw >> 5 & 15, raw >> 9 & 15, raw >> 13 & 7)
      for direction in [SystemInstruction.Direction.read, .write] {
        let disposition = SystemRegisterPolicy.disposition(of: register, direction)
        // A value is never given to a write, and a read is never ignored.
        if case .value = disposition { #expect(direction == .read) }
        #expect(disposition != .ignored || direction == .write)
      }
    }
  }
}
