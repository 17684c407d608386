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
  /// What the VM's calls for random numbers are answered from; nil where the machine has none to begin with. The
  /// lock is a leaf: nothing is taken while it is held.
  let random: Locked<RandomGenerator?>
  /// Set at creation; the port's own lock guards what is inside.
  var serialPort: Reference<SerialPort>?
  var clock: Reference<Clock>?

  /// Hypervisor's counter less the guest's, in ticks. Written by the owner while no vCPU runs.
  var counterOffset: UInt64 = 0
  /// The guest's counter when its time last stood still; nil while it runs. The owner's.
  var stoppedAt: UInt64? = 0

  init(
    vttbr: VTTBR_EL2, nestedTable: consuming NestedPageTable<NestedTableFormat, AArch64>, hcr: HCR_EL2,
    gic: consuming VirtualGIC, random: RandomGenerator?
  ) {
    self.vttbr = vttbr
    self.nestedTable = nestedTable
    self.hcr = hcr
    self.gic = gic
    self.random = Locked(random)
  }
}
