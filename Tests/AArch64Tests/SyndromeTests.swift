import Testing
import Virtualization

@testable import AArch64

/// Values by Arm ARM DDI 0487, ESR_EL2.
@Suite struct SyndromeTests {
  @Test func aTrappedStoreNamesWidthRegisterAndDirection() {
    // STR W3, [X1]: EC 0x24, IL, ISV, SAS word, SRT 3, WnR, translation fault of level 1.
    let syndrome = ESR_EL2(rawValue: 0x24 << 26 | 1 << 25 | 1 << 24 | 2 << 22 | 3 << 16 | 1 << 6 | 0b000101)
    #expect(syndrome.rawValue == 0x9383_0045)
    #expect(syndrome.exceptionClass == .dataAbortLower)
    #expect(syndrome.instructionByteCount == 4)
    let abort = syndrome.dataAbort
    #expect(abort.hasAccess)
    #expect(abort.width == .word)
    #expect(abort.register == 3)
    #expect(!abort.isSignExtended)
    #expect(!abort.isRegister64Bit)
    #expect(!abort.isOrdered)
    #expect(!abort.isStage1Walk)
    #expect(!abort.isAddressUnknown)
    #expect(!abort.isCacheMaintenance)
    #expect(abort.isWrite)
    #expect(abort.status.kind == .translation)
    #expect(abort.status.level == 1)
    #expect(abort.hasFaultPage)
  }

  @Test(arguments: [
    (0 as UInt32, AccessWidth.byte), (1, .halfword), (2, .word), (3, .doubleword),
  ])
  func everySizeIsDecoded(code: UInt32, width: AccessWidth) {
    #expect(DataAbort(iss: 1 << 24 | code << 22).width == width)
  }

  @Test func aLoadOfASignedByteIntoA64BitRegisterExtendsToAllOfIt() {
    let abort = DataAbort(iss: 1 << 24 | 1 << 21 | 1 << 15)  // LDRSB Xt
    #expect(abort.registerValue(loading: 0xffff_ff80) == 0xffff_ffff_ffff_ff80)
  }

  @Test func aLoadOfASignedHalfwordIntoA32BitRegisterClearsTheUpperHalf() {
    let abort = DataAbort(iss: 1 << 24 | 1 << 22 | 1 << 21)  // LDRSH Wt
    #expect(abort.registerValue(loading: 0x8001) == 0xffff_8001)
  }

  @Test func aPlainLoadDropsWhatIsBeyondItsWidth() {
    let abort = DataAbort(iss: 1 << 24 | 1 << 22 | 1 << 15)
    #expect(abort.registerValue(loading: 0x1234_5678) == 0x5678)
  }

  @Test func anAbortWithoutValidSyndromeSaysSo() {
    // LDP: ISV clear, and SAS to AR read as zero.
    #expect(!ESR_EL2(rawValue: 0x9200_0007).dataAbort.hasAccess)
  }

  @Test func aPermissionFaultLeavesNoFaultPageUnlessItWasAWalk() {
    #expect(!DataAbort(iss: 0b001111).hasFaultPage)
    #expect(DataAbort(iss: 0b001111 | 1 << 7).hasFaultPage)
    #expect(DataAbort(iss: 0b001011).hasFaultPage)
    #expect(InstructionAbort(iss: 0b000110).hasFaultPage)
  }

  @Test func everyFaultStatusOfTheManualHasItsKind() {
    #expect(FaultStatus(rawValue: 0b000000).kind == .addressSize)
    #expect(FaultStatus(rawValue: 0b000111).kind == .translation)
    #expect(FaultStatus(rawValue: 0b001001).kind == .accessFlag)
    #expect(FaultStatus(rawValue: 0b001101).kind == .permission)
    #expect(FaultStatus(rawValue: 0b010000).kind == .externalAbort)
    #expect(FaultStatus(rawValue: 0b010111).kind == .externalAbort)
    #expect(FaultStatus(rawValue: 0b100001).kind == .alignment)
    #expect(FaultStatus(rawValue: 0b110000).kind == .tlbConflict)
    #expect(FaultStatus(rawValue: 0b110101).kind == .unsupportedAtomic)
    #expect(FaultStatus(rawValue: 0b101011).level == -1)
    #expect(FaultStatus(rawValue: 0b111111).kind == .other)
  }

  @Test func aTrappedSystemRegisterIsNamedByItsFiveNumbers() {
    // MRS X5, ID_AA64PFR0_EL1 (S3_0_C0_C4_0): Op0 3, CRm 4, Rt 5, read.
    let access = ESR_EL2(rawValue: 0x6230_00a9).systemInstruction
    #expect(access.register == SystemRegister(3, 0, 0, 4, 0))
    #expect(access.generalRegister == 5)
    #expect(access.direction == .read)
  }

  @Test func aTrappedWriteOfICC_SGI1RIsNamed() {
    // MSR ICC_SGI1R_EL1 (S3_0_C12_C11_5), X0.
    let iss: UInt32 = 3 << 20 | 5 << 17 | 12 << 10 | 0 << 5 | 11 << 1
    let access = ESR_EL2(rawValue: 0x18 << 26 | 1 << 25 | UInt64(iss)).systemInstruction
    #expect(access.register == SystemRegister(3, 0, 12, 11, 5))
    #expect(access.direction == .write)
    let key = access.register
    #expect([key.op0, key.op1, key.crn, key.crm, key.op2] == [3, 0, 12, 11, 5])
  }

  @Test func callsCarryTheirImmediate() {
    let syndrome = ESR_EL2(rawValue: 0x5a00_1234)
    #expect(syndrome.exceptionClass == .hvc64)
    #expect(syndrome.immediate == 0x1234)
    #expect(ESR_EL2(rawValue: 0x5e00_0000).exceptionClass == .smc64)
  }

  @Test func waitsAreToldApart() {
    #expect(ESR_EL2(rawValue: 0x07e0_0000).waitKind == .waitForInterrupt)
    #expect(ESR_EL2(rawValue: 0x07e0_0001).waitKind == .waitForEvent)
    #expect(ESR_EL2(rawValue: 0x07e0_0002).waitKind == .waitForInterruptWithTimeout)
    #expect(ESR_EL2(rawValue: 0x07e0_0003).waitKind == .waitForEventWithTimeout)
  }

  @Test func theFaultAddressIsThePageAndThePlaceInIt() {
    // HPFAR_EL2.FIPA holds address bits [55:12] from bit 4 on.
    let page = HPFAR_EL2(rawValue: 0x0009_0000 << 0)
    #expect(page.page == GuestPhysicalAddress(0x0900_0000))
    #expect(page.address(far: 0xffff_8000_1234_5018) == GuestPhysicalAddress(0x0900_0018))
    #expect(HPFAR_EL2(rawValue: 1 << 63 | 0xffff_ffff_fff0).page == GuestPhysicalAddress(0xff_ffff_ffff_f000))
  }

  @Test func everySyndromeDecodesWithoutATrap() {
    for exceptionClass in UInt64(0)..<64 {
      for bit in UInt64(0)..<25 {
        let syndrome = ESR_EL2(rawValue: exceptionClass << 26 | 1 << bit)
        #expect(syndrome.exceptionClass.rawValue == UInt8(exceptionClass))
        #expect(syndrome.exceptionClass.summary.utf8CodeUnitCount > 0)
        _ = (syndrome.dataAbort.status.level, syndrome.dataAbort.registerValue(loading: .max))
      }
    }
  }

  @Test(arguments: [(0, false), (19, false), (20, true), (28, true), (29, false), (31, false)])
  func whatAHandlerKeepsIsLoadedOnlyWhereItHasChanged(register: Int, isKept: Bool) {
    #expect(GuestRegisters.isKeptByCallees(register) == isKept)
  }
}
