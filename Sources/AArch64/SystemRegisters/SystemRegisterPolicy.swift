/// What a guest gets for each system register that traps: one table for all of them.
///
/// What is not named is not there for the guest, and raises its undefined exception. Among these, hidden in the ID
/// registers as well, are the registers of:
///
/// - the PMU (`PM*`), statistical profiling (`PMS*`, `PMB*`), trace (`TRC*`, `TRFCR_EL1`, `TRB*`, `BRB*`), trapped by
///   MDCR_EL2 and CPTR_EL2;
/// - SVE (`ZCR_EL1`), SME (`SMCR_EL1`, `SVCR`, `TPIDR2_EL0`, `SMPRI_EL1`, `SMIDR_EL1`), activity monitors (`AM*`),
///   trapped by CPTR_EL2 and HCR_EL2.TID1;
/// - memory tagging (`GCR_EL1`, `RGSR_EL1`, `TFSR*_EL1`, `GMID_EL1`), trapped by HCR_EL2.ATA and TID5;
/// - RAS error records (`ER*`), limited ordering regions (`LOR*`), software context numbers (`SCXTNUM_*`), trapped by
///   HCR_EL2.TERR, TLOR and EnSCXT;
/// - what an implementation adds (CRn 11 and 15), trapped by HCR_EL2.TIDCP;
/// - what HCRX_EL2 would have to allow (`TCR2_EL1`, `PIR*_EL1`, `POR*`, …).
enum SystemRegisterPolicy {
  enum Disposition: Equatable {
    /// A read gives this value.
    case value(UInt64)
    /// A read of ID group 3 gives what `GuestIDRegisters` has at this index.
    case identification(index: Int)
    /// A write has no effect.
    case ignored
    /// An SGI of this group is sent.
    case sendSGI(VirtualGIC.SGIGroup)
    /// An interrupt is deactivated apart from its end (ICH_HCR_EL2.TDIR).
    case deactivateInterrupt
    /// A read gives the guest's physical counter, which stands still while the VM does.
    case physicalCounter
    /// The guest's physical timer, which the hypervisor serves.
    case physicalTimer(TimerRegister)
    /// The state of the OS lock.
    case osLock
    /// The guest gets an undefined exception.
    case undefined
  }

  enum TimerRegister: Equatable {
    case control
    case compareValue
    case timerValue
  }

  @inline(__always)
  static func disposition(
    of register: SystemRegister, _ direction: SystemInstruction.Direction
  ) -> Disposition {
    switch direction {
    case .write: ofWrite(to: register)
    case .read: ofRead(of: register)
    }
  }

  @inline(__always) private static func ofWrite(to register: SystemRegister) -> Disposition {
    // Written more often than all others together.
    register == .ICC_SGI1R_EL1 ? .sendSGI(.group1) : ofOtherWrite(to: register)
  }

  @inline(__always) private static func ofOtherWrite(to register: SystemRegister) -> Disposition {
    switch register {
    // With one security state these two make group 0 (IHI 0069, 12.2.5 and 12.2.16).
    case .ICC_SGI0R_EL1, .ICC_ASGI1R_EL1: .sendSGI(.group0)
    case .ICC_DIR_EL1: .deactivateInterrupt
    case .CNTP_CTL_EL0: .physicalTimer(.control)
    case .CNTP_CVAL_EL0: .physicalTimer(.compareValue)
    case .CNTP_TVAL_EL0: .physicalTimer(.timerValue)
    case .OSLAR_EL1: .osLock
    // System registers are always on. Caches are coherent for a guest: sets and ways are nobody's business but the
    // hardware's. Nothing listens on the debug communication channel, and a CPU is not powered down for a debugger.
    case .ICC_SRE_EL1, .ACTLR_EL1, .DC_ISW, .DC_CSW, .DC_CISW, .OSDLR_EL1, .DBGPRCR_EL1, .MDCCINT_EL1, .OSDTRRX_EL1,
      .OSDTRTX_EL1, .OSECCR_EL1, .DBGDTR_EL0, .DBGDTRRX_EL0:
      .ignored
    default: .undefined
    }
  }

  @inline(__always) private static func ofRead(of register: SystemRegister) -> Disposition {
    if let index = GuestIDRegisters.index(of: register) { return .identification(index: index) }
    switch register {
    case .CNTPCT_EL0, .CNTPCTSS_EL0: return .physicalCounter
    case .CNTP_CTL_EL0: return .physicalTimer(.control)
    case .CNTP_CVAL_EL0: return .physicalTimer(.compareValue)
    case .CNTP_TVAL_EL0: return .physicalTimer(.timerValue)
    case .OSLSR_EL1: return .osLock
    // SRE, DFB, DIB: always on.
    case .ICC_SRE_EL1: return .value(0b111)
    case .ACTLR_EL1, .AIDR_EL1, .REVIDR_EL1, .MDRAR_EL1, .OSDLR_EL1, .DBGPRCR_EL1, .MDCCINT_EL1, .OSDTRRX_EL1,
      .OSDTRTX_EL1, .OSECCR_EL1, .MDCCSR_EL0, .DBGDTR_EL0, .DBGDTRRX_EL0:
      return .value(0)
    default: return .undefined
    }
  }
}
