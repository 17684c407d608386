import Kernel
import Synchronization

/// The GICv3 of one VM: a distributor, and for each vCPU a redistributor and list registers (Arm GIC IHI 0069).
///
/// The guest sees one security state (GICD_CTLR.DS), affinity routing always on, no ITS and no LPIs. Its CPU
/// interface is the hardware's own. What a guest can name is fixed when the VM is made; nothing allocates later.
///
/// No lock anywhere: see `InterruptBank` for the state that CPUs share, and `VirtualGICCPU` for who touches what is
/// a vCPU's own. No function calls out; each returns the vCPUs to notify, as bits, and the caller kicks or wakes
/// them. A vCPU that has not yet looked at an earlier notification is not named again.
///
///     lines, SGIs, registers ──▶ banks ──▶ attention ──▶ synchronize ──▶ list registers ──▶ guest
///                                  ▲                          │
///                                  └──── taken back ──────────┘
@safe struct VirtualGIC: ~Copyable {
  /// What the VM has; checked.
  struct Shape {
    let vcpuCount: Int
    let sharedBankCount: Int
    let interface: ICH_VTR_EL2

    /// Nil unless there are 1…64 vCPUs and 0…960 SPIs. SPIs come in banks of 32, and what GICD_TYPER
    /// advertises is that many. `interface` is ICH_VTR_EL2, the least of all CPUs.
    init?(vcpuCount: Int, sharedInterruptCount: Int, interface: ICH_VTR_EL2) {
      guard (1...VCPUAffinity.maximumVCPUCount).contains(vcpuCount), (0...960).contains(sharedInterruptCount) else {
        return nil
      }
      self.vcpuCount = vcpuCount
      sharedBankCount = (sharedInterruptCount &+ 31) / 32
      self.interface = interface
    }
  }

  static let firstShared = 32
  /// The virtual timer's PPI, and the physical interrupt it is linked with.
  static let timerInterrupt = 27
  static let noVCPU: UInt8 = 0xff

  let vcpuCount: Int
  let sharedBankCount: Int
  let interface: ICH_VTR_EL2
  /// One bit for each list register.
  let listRegisterMask: UInt32
  /// The bits of a priority that there are, in each byte of a word.
  let priorityMask: UInt32

  /// GICD_CTLR bits 0 and 1. Sequentially consistent, like the banks, of which it is a part.
  let groupEnables = Atomic<UInt32>(0)

  /// Private banks by vCPU, then the shared ones.
  private let words: UnsafeMutablePointer<Atomic<UInt32>>
  /// Per SPI: GICD_IROUTER, and in bits [63:56] the vCPU it names.
  private let routes: UnsafeMutablePointer<Atomic<UInt64>>
  /// Per SPI: the vCPU that listed it last. Written after `listed` was set, before the state is read.
  private let holders: UnsafeMutablePointer<Atomic<UInt8>>
  private let cpus: UnsafeMutablePointer<VirtualGICCPU>

  private var bankCount: Int { vcpuCount &+ sharedBankCount }
  private var sharedCount: Int { sharedBankCount &* 32 }

  /// Takes all the memory that it will ever need.
  init(_ shape: Shape) {
    vcpuCount = shape.vcpuCount
    sharedBankCount = shape.sharedBankCount
    interface = shape.interface
    listRegisterMask = ~0 &>> UInt32(32 &- min(16, shape.interface.listRegisterCount))
    priorityMask = 0x0101_0101 &* ((0xff00 &>> UInt32(min(8, shape.interface.priorityBitCount))) & 0xff)

    let wordCount = (shape.vcpuCount &+ shape.sharedBankCount) &* InterruptBank.wordCount
    let sharedCount = shape.sharedBankCount &* 32
    // SAFETY: each block is made for exactly as many elements as are then initialised.
    unsafe words = .allocate(capacity: wordCount)
    unsafe routes = .allocate(capacity: sharedCount)
    unsafe holders = .allocate(capacity: sharedCount)
    unsafe cpus = .allocate(capacity: shape.vcpuCount)
    // SAFETY: as above.
    for index in 0..<wordCount { unsafe (words + index).initialize(to: Atomic(0)) }
    for index in 0..<sharedCount {
      // SAFETY: as above.
      unsafe (routes + index).initialize(to: Atomic(0))
      unsafe (holders + index).initialize(to: Atomic(Self.noVCPU))
    }
    // SAFETY: as above.
    for index in 0..<shape.vcpuCount { unsafe (cpus + index).initialize(to: VirtualGICCPU()) }
    reset()
  }

  deinit {
    // SAFETY: nobody holds the controller any more, and `init` initialised exactly these elements.
    unsafe words.deinitialize(count: bankCount &* InterruptBank.wordCount).deallocate()
    unsafe routes.deinitialize(count: sharedCount).deallocate()
    // SAFETY: as above.
    unsafe holders.deinitialize(count: sharedCount).deallocate()
    unsafe cpus.deinitialize(count: vcpuCount).deallocate()
  }

  /// Puts back the state of power-on. No vCPU of the VM runs.
  func reset() {
    groupEnables.store(0, ordering: .sequentiallyConsistent)
    for vcpu in 0..<vcpuCount {
      privateBank(vcpu).reset(edge: 0xffff)
      self[vcpu].reset()
    }
    for index in 0..<sharedBankCount { sharedBank(index).reset(edge: 0) }
    for index in 0..<sharedCount {
      // SAFETY: the index is below the number of SPIs.
      unsafe routes[index].store(0, ordering: .sequentiallyConsistent)
      unsafe holders[index].store(Self.noVCPU, ordering: .sequentiallyConsistent)
    }
  }

  // MARK: - Parts

  /// All vCPUs, as bits.
  @inline(__always) var allVCPUs: UInt64 { ~0 &>> UInt64(truncatingIfNeeded: 64 &- vcpuCount) }

  subscript(_ vcpu: Int) -> VirtualGICCPU {
    @inline(__always) unsafeAddress {
      precondition(UInt(bitPattern: vcpu) < UInt(bitPattern: vcpuCount), "no such vCPU")
      // SAFETY: the index was just checked against the number of elements.
      return unsafe UnsafePointer(cpus + vcpu)
    }
    @inline(__always) nonmutating unsafeMutableAddress {
      precondition(UInt(bitPattern: vcpu) < UInt(bitPattern: vcpuCount), "no such vCPU")
      // SAFETY: the index was just checked against the number of elements.
      return unsafe cpus + vcpu
    }
  }

  /// The part of a vCPU, for as long as the controller lives.
  func cpu(_ vcpu: Int) -> Reference<VirtualGICCPU> {
    precondition(UInt(bitPattern: vcpu) < UInt(bitPattern: vcpuCount), "no such vCPU")
    // SAFETY: the index was just checked; `init` initialised the element.
    return unsafe Reference(cpus + vcpu)
  }

  /// The SGIs and PPIs of a vCPU.
  @inline(__always) func privateBank(_ vcpu: Int) -> InterruptBank {
    precondition(UInt(bitPattern: vcpu) < UInt(bitPattern: vcpuCount), "no such vCPU")
    // SAFETY: the index was just checked, and the controller outlives the views it hands out.
    return unsafe InterruptBank(words: words + vcpu &* InterruptBank.wordCount)
  }

  /// SPIs 32 × `index` and up.
  @inline(__always) func sharedBank(_ index: Int) -> InterruptBank {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: sharedBankCount), "no such bank of SPIs")
    // SAFETY: the index was just checked, and the controller outlives the views it hands out.
    return unsafe InterruptBank(words: words + (vcpuCount &+ index) &* InterruptBank.wordCount)
  }

  /// The bank that `interrupt` is in, as `vcpu` sees it.
  @inline(__always) func bank(of interrupt: Int, vcpu: Int) -> InterruptBank {
    interrupt < Self.firstShared ? privateBank(vcpu) : sharedBank(interrupt &>> 5 &- 1)
  }

  /// Those interrupts of a bank whose group the guest has on in the distributor.
  @inline(__always) func groupMask(_ bank: InterruptBank) -> UInt32 {
    let enables = groupEnables.load(ordering: .sequentiallyConsistent)
    let group = bank.peek(.group)
    return (enables & 0b10 != 0 ? group : 0) | (enables & 0b01 != 0 ? ~group : 0)
  }

  /// Pending interrupts of a bank, enabled or not; those in list registers are not among them, unless they are
  /// pending once more.
  @inline(__always) func pending(_ bank: InterruptBank) -> UInt32 {
    bank.load(.latch) | (bank.load(.line) & ~bank.peek(.edge))
  }

  // MARK: - Routes

  /// GICD_IROUTER of SPI `spi`, counted from 0.
  func route(_ spi: Int) -> UInt64 {
    precondition(UInt(bitPattern: spi) < UInt(bitPattern: sharedCount), "no such SPI")
    // SAFETY: the index was just checked.
    return unsafe routes[spi].load(ordering: .relaxed) & 0xff_ffff_ffff
  }

  /// The vCPU that SPI `spi` goes to; nil where the guest named none.
  @inline(__always) func target(_ spi: Int) -> Int? {
    precondition(UInt(bitPattern: spi) < UInt(bitPattern: sharedCount), "no such SPI")
    // SAFETY: the index was just checked.
    let vcpu = Int(unsafe routes[spi].load(ordering: .sequentiallyConsistent) &>> 56)
    return vcpu < vcpuCount ? vcpu : nil
  }

  /// Replaces the bits of `mask` in GICD_IROUTER of SPI `spi`; true where that changed it.
  func replaceRoute(_ spi: Int, _ mask: UInt64, by bits: UInt64) -> Bool {
    precondition(UInt(bitPattern: spi) < UInt(bitPattern: sharedCount), "no such SPI")
    // IRM is RES0 (GICD_TYPER.No1N).
    let writable = mask & 0xff_00ff_ffff
    // SAFETY: the index was just checked.
    var old = unsafe routes[spi].load(ordering: .relaxed)
    while true {
      let value = (old & 0xff_00ff_ffff & ~writable) | (bits & writable)
      let vcpu = VCPUAffinity(mpidr: value).map { $0.index < vcpuCount ? $0.index : Int(Self.noVCPU) }
      let new = value | UInt64(vcpu ?? Int(Self.noVCPU)) &<< 56
      // SAFETY: the index was just checked.
      let (exchanged, original) = unsafe routes[spi].weakCompareExchange(
        expected: old, desired: new, ordering: .sequentiallyConsistent)
      if exchanged { return original != new }
      old = original
    }
  }

  /// The vCPU that listed SPI `spi` last.
  @inline(__always) func holder(_ spi: Int) -> Int? {
    precondition(UInt(bitPattern: spi) < UInt(bitPattern: sharedCount), "no such SPI")
    // SAFETY: the index was just checked.
    let vcpu = unsafe holders[spi].load(ordering: .sequentiallyConsistent)
    return vcpu == Self.noVCPU ? nil : Int(vcpu)
  }

  @inline(__always) func setHolder(_ spi: Int, to vcpu: Int) {
    precondition(UInt(bitPattern: spi) < UInt(bitPattern: sharedCount), "no such SPI")
    // SAFETY: the index was just checked.
    unsafe holders[spi].store(UInt8(truncatingIfNeeded: vcpu), ordering: .sequentiallyConsistent)
  }
}
