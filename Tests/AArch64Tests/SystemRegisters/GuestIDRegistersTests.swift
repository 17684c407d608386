import Kernel
import Testing

@testable import AArch64

/// Values of Cortex-A57 by its manual (DDI 0488, 4.3); fields by the Arm ARM (DDI 0487, D19.2).
@Suite struct GuestIDRegistersTests {
  private func value(_ register: SystemRegister, _ host: UInt64) throws -> UInt64 {
    let index = try #require(GuestIDRegisters.index(of: register))
    return GuestIDRegisters { $0 == register ? host : 0 }[index]
  }

  @Test func aCortexA57KeepsItsFeaturesButHasNoEL2AndNoEL3() throws {
    #expect(try value(.ID_AA64PFR0_EL1, 0x0100_2222) == 0x0100_0012)
    #expect(try value(.ID_AA64ISAR0_EL1, 0x1_1120) == 0x1_1120)
    #expect(try value(.ID_AA64DFR0_EL1, 0x1030_5106) == 0xf0_1030_5006)
    #expect(try value(.ID_AA64MMFR0_EL1, 0x1124) == 0x0122)
    #expect(try value(.ID_ISAR0_EL1, 0x0210_1110) == 0x0210_1110)
  }

  @Test func whatIsHiddenReadsAsZeroHoweverMuchTheMachineHas() throws {
    let features = try value(.ID_AA64PFR0_EL1, .max)
    for field in [
      BitField(11, 8), BitField(15, 12), BitField(31, 28), BitField(35, 32), BitField(39, 36), BitField(43, 40),
      BitField(47, 44), BitField(55, 52),
    ] {
      #expect(field.value(in: features) == 0)
    }
    #expect(try value(.ID_AA64PFR1_EL1, .max) == 0xff)
    // Trace, PMU, statistical profiling, trace filter and buffer, branch records.
    #expect(try value(.ID_AA64DFR0_EL1, .max) & 0xfff0_ff0f_0000_0ff0 == 0)
    #expect(try value(.ID_AA64ISAR1_EL1, .max) >> 60 == 0)
    #expect(try value(.ID_AA64ISAR2_EL1, .max) & 0xf000f == 0)
    #expect(try value(.ID_DFR0_EL1, .max) >> 12 == 0)
  }

  @Test func fieldsWithALimitNeverExceedItAndNeverRise() throws {
    #expect(try value(.ID_AA64MMFR0_EL1, 0) & 0xf == 0)
    #expect(try value(.ID_AA64MMFR0_EL1, 6) & 0xf == 2)
    #expect(try value(.ID_AA64PFR0_EL1, 3 << 24) == 1 << 24 | 1 << 4)
    #expect(try value(.ID_AA64PFR0_EL1, 3 << 56) == 1 << 56 | 1 << 4)
  }

  @Test func theTruthIsToldOfFloatingPointAtomicsAndPointerAuthentication() throws {
    #expect(try value(.ID_AA64PFR0_EL1, 0xff << 16) == 0xff << 16 | 1 << 4)
    #expect(try value(.ID_AA64ISAR0_EL1, 2 << 20) == 2 << 20)
    #expect(try value(.ID_AA64ISAR1_EL1, 0x1100_0110) == 0x1100_0110)
    #expect(try value(.ID_AA64ISAR2_EL1, 0x5500) == 0x5500)
  }

  @Test func reservedRegistersOfTheGroupReadAsZero() {
    let registers = GuestIDRegisters { _ in .max }
    let named = Set(IDField.all.compactMap { GuestIDRegisters.index(of: $0.register) })
    for index in 0..<64 where !named.contains(index) { #expect(registers[index] == 0) }
    // ZFR0, SMFR0, DFR1, AFR0, MMFR3.
    for (crm, op2) in [(4, 4), (4, 5), (5, 1), (5, 4), (7, 3)] { #expect(!named.contains(crm << 3 | op2)) }
  }

  @Test func registersOutsideTheGroupAreNotInTheTable() {
    #expect(GuestIDRegisters.index(of: SystemRegister(3, 0, 0, 0, 0)) == nil)
    #expect(GuestIDRegisters.index(of: SystemRegister(3, 0, 0, 8, 0)) == nil)
    #expect(GuestIDRegisters.index(of: SystemRegister(3, 0, 1, 4, 0)) == nil)
    #expect(GuestIDRegisters.index(of: SystemRegister(3, 3, 0, 4, 0)) == nil)
    #expect(GuestIDRegisters.index(of: SystemRegister(2, 0, 0, 4, 0)) == nil)
  }

  @Test func noTwoFieldsOverlap() {
    var seen: [UInt32: UInt64] = [:]
    for field in IDField.all {
      #expect(seen[field.register.rawValue, default: 0] & field.bits.mask == 0, "\(field.name)")
      seen[field.register.rawValue, default: 0] |= field.bits.mask
    }
  }
}
