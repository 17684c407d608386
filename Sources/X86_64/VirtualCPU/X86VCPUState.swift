import CX86_64
import Kernel
import Virtualization

/// A vCPU's hardware state.
@safe public struct X86VCPUState: ~Copyable {
  let registers: GuestRegisters
  let floatingPoint: UnsafeMutablePointer<X86FloatingPointState>
  var debug = DebugRegisters()
  var apic: VirtualAPIC
  /// The vCPU's own, and its CPU's.
  var asid = ASIDTag()
  /// An event that the last exit interrupted; it comes first at the next entry.
  var interrupted = Event.none
  /// A non-maskable interrupt is being served: no other until its IRET.
  var servesNMI = false
  /// Where the IRET is that ends it, once it has been reached.
  var endOfNMI: UInt64?
  /// MTRRdefType, which has no effect.
  var memoryDefaultType: UInt64 = 0xc06
  /// Where the last access to a port found its device, for the next.
  var lastPortWindow = 0
  /// Waits for SIPI after an INIT.
  var waitsForStart = false
  /// Others of the VM that are still to be started by an interrupt command of this one, and where.
  var starting = CPUSet.none
  var startPage: UInt8 = 0
  /// The answer to a start is on its way, and nobody waits for it.
  var isStarting = false
  /// The access that is with the devices.
  var access: MemoryInstruction?

  init(index: Int, registers: GuestRegisters) {
    self.registers = registers
    // SAFETY: fresh memory for one, the vCPU's own until its end.
    unsafe floatingPoint = .allocate(capacity: 1)
    unsafe floatingPoint.initialize(to: X86FloatingPointState())
    apic = VirtualAPIC(identifier: UInt32(index), isBootCPU: index == 0)
  }

  deinit {
    // SAFETY: as above.
    unsafe floatingPoint.deallocate()
  }
}

/// DR0 to DR3; DR6 and DR7 are in the VMCB.
struct DebugRegisters {
  private var dr0: UInt64 = 0
  private var dr1: UInt64 = 0
  private var dr2: UInt64 = 0
  private var dr3: UInt64 = 0

  mutating func save() {
    dr0 = read_DR0()
    dr1 = read_DR1()
    dr2 = read_DR2()
    dr3 = read_DR3()
  }

  func load() {
    write_DR0(dr0)
    write_DR1(dr1)
    write_DR2(dr2)
    write_DR3(dr3)
  }
}
