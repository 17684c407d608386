import CRISCV64
import Devices
import Kernel
import VMM
import Virtualization

/// What the vCPUs of a VM share.
public struct RISCV64VMState: ~Copyable {
  /// hgatp: the VM's table and its VMID.
  let translation: hgatp
  let vmid: UInt64
  /// G-stage. Changed by the VM's owner alone, before its vCPUs run.
  var nestedTable: NestedPageTable<NestedTableFormat, RISCV64>
  let traps: hstatus
  let plic: VirtualPLIC
  /// Set at creation; the port's own lock guards what is inside.
  var serialPort: Reference<SerialPort>?
  var clock: Reference<Clock>?

  /// Hypervisor's counter less the guest's, in ticks. Written by the owner while no vCPU runs.
  var counterOffset: UInt64 = 0
  /// The guest's counter when its time last stood still; nil while it runs. The owner's.
  var stoppedAt: UInt64? = 0

  init(
    translation: hgatp, vmid: UInt64, nestedTable: consuming NestedPageTable<NestedTableFormat, RISCV64>,
    traps: hstatus, plic: consuming VirtualPLIC
  ) {
    self.translation = translation
    self.vmid = vmid
    self.nestedTable = nestedTable
    self.traps = traps
    self.plic = plic
  }
}
