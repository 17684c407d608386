import CAArch64
import Kernel

/// The machine's GICv3, as far as the hypervisor uses it: group 1, EOImode 1 (priority drop and deactivation apart, so that a
/// guest's own end-of-interrupt deactivates the timer interrupt it was given). GIC architecture specification, IHI 0069.
struct PhysicalGIC {
  private let distributor: DeviceWindow

  /// INTIDs the hypervisor itself uses.
  enum INTID {
    static let notify: UInt32 = 0  // SGI: look for work
    static let maintenance: UInt32 = 25  // PPI: the virtual CPU interface needs the hypervisor
    static let hypervisorTimer: UInt32 = 26  // PPI: CNTHP
    static let virtualTimer: UInt32 = 27  // PPI: CNTV, the guest's
    static let firstSpecial: UInt32 = 1020
  }

  private enum GICD {
    static let ctlr = 0x0000
    static let ctlrEnableGroup1: UInt32 = 1 << 1
    static let ctlrARE: UInt32 = 1 << 4
    static let ctlrRWP: UInt32 = 1 << 31
    static let igroupr = 0x0080
    static let isenabler = 0x0100
    static let icenabler = 0x0180
    static let ipriorityr = 0x0400
    static let irouter = 0x6000
    static let pidr2 = 0xffe8
  }

  private enum GICR {
    static let typer = 0x0008
    static let waker = 0x0014
    static let wakerProcessorSleep: UInt32 = 1 << 1
    static let wakerChildrenAsleep: UInt32 = 1 << 2
    static let sgiFrame = 0x10000
    static let igroupr0 = sgiFrame + 0x0080
    static let isenabler0 = sgiFrame + 0x0100
    static let icenabler0 = sgiFrame + 0x0180
    static let isactiver0 = sgiFrame + 0x0300
    static let icactiver0 = sgiFrame + 0x0380
    static let ipriorityr = sgiFrame + 0x0400
  }

  /// Lower than the idle priority, so that all can come through; the hypervisor has no other use for priorities.
  private static let priority: UInt32 = 0x80

  /// Boot CPU only.
  init(distributor: DeviceWindow) {
    self.distributor = distributor
    distributor.write32(GICD.ctlr, GICD.ctlrARE | GICD.ctlrEnableGroup1)
    while distributor.read32(GICD.ctlr) & GICD.ctlrRWP != 0 {}
  }

  /// Lets the shared interrupt `intid` come to the CPU with `affinity`.
  func enableShared(_ intid: UInt32, to affinity: UInt64) {
    let index = Int(intid)
    let bit = UInt32(1) << (intid % 32)
    let word = index / 32 * 4
    distributor.write32(GICD.igroupr + word, distributor.read32(GICD.igroupr + word) | bit)
    distributor.write8(GICD.ipriorityr + index, UInt8(Self.priority))
    distributor.write64(GICD.irouter + index * 8, affinity)
    distributor.write32(GICD.isenabler + word, bit)
  }

  /// This CPU's redistributor among `region`'s frames, found by its affinity.
  static func findRedistributor(in region: DeviceWindow, byteCount: UInt64, affinity: UInt64) -> DeviceWindow? {
    let packed = (affinity & 0xff_ffff) | ((affinity >> 8) & 0xff00_0000)
    var offset = 0
    while UInt64(offset) + 0x2_0000 <= byteCount {
      let frame = region.advanced(by: offset)
      let typer = frame.read64(GICR.typer)
      if typer >> 32 == packed { return frame }
      if typer & 1 << 4 != 0 { return nil }  // GICR_TYPER.Last
      offset += typer & 1 << 1 != 0 ? 0x4_0000 : 0x2_0000  // GICR_TYPER.VLPIS
    }
    return nil
  }

  /// Each CPU, for itself: wakes its redistributor and sets up its CPU interface.
  static func setUpCPUInterface(redistributor: DeviceWindow) {
    redistributor.write32(GICR.waker, redistributor.read32(GICR.waker) & ~GICR.wakerProcessorSleep)
    while redistributor.read32(GICR.waker) & GICR.wakerChildrenAsleep != 0 {}
    redistributor.write32(GICR.igroupr0, .max)
    redistributor.write32(GICR.icenabler0, .max)
    for index in 0..<8 { redistributor.write32(GICR.ipriorityr + index * 4, priority &* 0x0101_0101) }
    redistributor.write32(
      GICR.isenabler0,
      1 << INTID.notify | 1 << INTID.maintenance | 1 << INTID.hypervisorTimer | 1 << INTID.virtualTimer)
    write_ICC_SRE_EL2(0xf)  // system registers at EL2 and EL1
    aarch64_isb()
    write_ICC_PMR_EL1(0xff)
    write_ICC_BPR1_EL1(0)
    write_ICC_CTLR_EL1(1 << 1)  // EOImode: priority drop alone
    write_ICC_IGRPEN1_EL1(1)
    aarch64_isb()
  }

  /// Whether interrupt `intid`, private to this CPU, is to count as being handled by somebody.
  static func setActive(_ intid: UInt32, _ isActive: Bool, redistributor: DeviceWindow) {
    redistributor.write32(isActive ? GICR.isactiver0 : GICR.icactiver0, 1 << intid)
  }

  // MARK: - Hot

  /// The pending interrupt with the highest priority, now active; a special INTID where there is none.
  @inline(__always) static func acknowledge() -> UInt32 {
    let intid = UInt32(truncatingIfNeeded: read_ICC_IAR1_EL1())
    return intid
  }

  /// Lets others of the same priority come; the interrupt stays active until `deactivate`.
  @inline(__always) static func dropPriority(_ intid: UInt32) { write_ICC_EOIR1_EL1(UInt64(intid)) }

  @inline(__always) static func deactivate(_ intid: UInt32) { write_ICC_DIR_EL1(UInt64(intid)) }

  /// Sends `INTID.notify` to the CPU with `affinity` (ICC_SGI1R_EL1).
  @inline(__always) static func notify(affinity: UInt64) {
    let aff0 = affinity & 0xff
    let value =
      (1 << (aff0 & 0xf)) | ((affinity >> 8) & 0xff) << 16 | ((affinity >> 16) & 0xff) << 32
      | (aff0 >> 4) << 44 | ((affinity >> 32) & 0xff) << 48
    aarch64_dsb_ishst()
    write_ICC_SGI1R_EL1(value | UInt64(INTID.notify) << 24)
    aarch64_isb()
  }
}
