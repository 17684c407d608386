import CAArch64
import Devices
import Kernel
import VMM
import Virtualization

/// What the vCPUs of a VM share.
public struct AArch64VMState: ~Copyable {
  let vttbr: VTTBR_EL2
  /// Stage 2. Changed by the VM's owner alone, before its vCPUs run.
  var nestedTable: NestedPageTable<NestedTableFormat, AArch64>
  let hcr: HCR_EL2
  let gic: VirtualGIC
  /// Set at creation; the port's own lock guards what is inside.
  var serialPort: Reference<SerialPort>?
  var clock: Reference<Clock>?

  /// Hypervisor's counter less the guest's, in ticks. Written by the owner while no vCPU runs.
  var counterOffset: UInt64 = 0
  /// The guest's counter when its time last stood still; nil while it runs. The owner's.
  var stoppedAt: UInt64? = 0
  /// Raised with every change of `counterOffset`. Written by the owner while no vCPU runs.
  var timeGeneration: UInt64 = 0

  init(
    vttbr: VTTBR_EL2, nestedTable: consuming NestedPageTable<NestedTableFormat, AArch64>, hcr: HCR_EL2,
    gic: consuming VirtualGIC
  ) {
    self.vttbr = vttbr
    self.nestedTable = nestedTable
    self.hcr = hcr
    self.gic = gic
  }
}

/// HCR_EL2 for guests: what is trapped and what is not, each with its reason.
extension HCR_EL2 {
  static func guest(hasPointerAuthentication: Bool, idlesNatively: Bool) -> Self {
    var hcr: Self = [
      .vm,  // stage 2
      .rw,  // EL1 is AArch64
      .imo, .fmo, .amo,  // physical interrupts leave the guest, virtual ones are on
      .tsc,  // SMC is answered here, never by the firmware
      .tidcp,  // implementation-defined registers are not the guest's
      .tacr,  // nor is ACTLR_EL1
      .tid3,  // the ID registers tell what the guest has
      .fb, .bsuInnerShareable,  // maintenance and barriers reach every CPU that a vCPU could have been on
      .ptw,  // a guest's page tables are in RAM
      .swio,  // invalidation by set and way must not drop another VM's lines
    ]
    if !idlesNatively { hcr.insert(.twi) }  // a waiting vCPU gives its CPU away
    if hasPointerAuthentication { hcr.formUnion([.apk, .api]) }  // the keys are the guest's and switched
    return hcr
  }
}
