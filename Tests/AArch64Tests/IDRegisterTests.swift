import Testing

@testable import AArch64

/// ID_AA64* as Cortex-A57 (DDI 0488, 4.3) and a CPU with everything have them.
@Suite struct IDRegisterTests {
  private func value(_ register: SystemRegister, _ host: UInt64) -> UInt64? {
    IDRegisters.guestValue(of: register) { _ in host }
  }

  @Test func aCortexA57KeepsItsFeaturesButHasNoEL2AndNoEL3() {
    // EL3, EL2: 2 each; EL1, EL0: AArch64 and AArch32; GIC system registers.
    #expect(value(.idAA64PFR0, 0x0100_2222) == 0x0100_0012)
  }

  @Test func sveRASAMUAndMPAMAreHidden() {
    let features = value(.idAA64PFR0, 0x1111_1101_1111_1122) ?? .max
    #expect(features >> 32 & 0xf == 0)
    #expect(features >> 28 & 0xf == 0)
    #expect(features >> 44 & 0xf == 0)
    #expect(features >> 40 & 0xf == 0)
  }

  @Test func memoryTaggingAndSMEAreHidden() { #expect(value(.idAA64PFR1, 0x0000_0000_0100_0321) == 0x21) }

  @Test func thePMUIsHiddenAndBreakpointsAreNot() {
    // Cortex-A57: 6 breakpoints, 4 watchpoints, 2 context-aware, PMUv3, debug version 6.
    #expect(value(.idAA64DFR0, 0x1030_5106) == 0xf0_1030_5006)
  }

  @Test func guestAddressesHaveAtMostFortyBits() {
    #expect(value(.idAA64MMFR0, 0x1124) == 0x1122)
    #expect(value(.idAA64MMFR0, 0x1121) == 0x1121)
  }

  @Test func reservedRegistersOfTheGroupReadAsZero() {
    #expect(value(SystemRegister(3, 0, 0, 4, 4), .max) == 0)
    #expect(value(SystemRegister(3, 0, 0, 7, 7), .max) == 0)
  }

  @Test func registersOutsideTheGroupAreNotAnswered() {
    #expect(value(SystemRegister(3, 0, 0, 0, 0), 1) == nil)
    #expect(value(SystemRegister(3, 0, 1, 0, 0), 1) == nil)
  }
}
