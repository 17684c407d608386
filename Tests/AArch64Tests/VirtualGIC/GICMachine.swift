import Testing
import Virtualization

@testable import AArch64

/// A virtual GIC, one interface a vCPU, and short words for what guests and devices do.
final class GICMachine {
  let interfaces: [FakeCPUInterface]
  private let pointer: UnsafeMutablePointer<VirtualGIC>

  /// Five bits of priority and preemption, ICH_HCR_EL2.TDIR there.
  init(vcpus: Int = 2, spis: Int = 64, listRegisters: Int = 4) {
    let type = ICH_VTR_EL2(rawValue: 4 << 29 | 4 << 26 | 1 << 19 | UInt64(listRegisters - 1))
    pointer = .allocate(capacity: 1)
    guard let shape = VirtualGIC.Shape(vcpuCount: vcpus, sharedInterruptCount: spis, interface: type) else {
      fatalError("not a shape")
    }
    pointer.initialize(to: VirtualGIC(shape))
    interfaces = (0..<vcpus).map { _ in FakeCPUInterface(count: listRegisters) }
    for vcpu in 0..<vcpus { gic { $0.load(vcpu, to: interfaces[vcpu]) } }
  }

  deinit {
    pointer.deinitialize(count: 1)
    pointer.deallocate()
  }

  @discardableResult func gic<Result>(_ body: (borrowing VirtualGIC) -> Result) -> Result { body(pointer.pointee) }

  /// Distributor on, everything in group 1, interface open: as after a kernel's driver has started.
  func boot(eoiMode: UInt64 = 0) {
    write(0x0000, 0b11)
    for bank in UInt64(1)...2 { write(0x80 + bank * 4, .max) }
    for vcpu in interfaces.indices {
      writePrivate(vcpu, 0x80, .max)
      interfaces[vcpu].open(eoiMode: eoiMode)
    }
    settle()
  }

  @discardableResult func write(_ offset: UInt64, _ value: UInt64, _ width: AccessWidth = .word, by vcpu: Int = 0)
    -> UInt64
  { gic { $0.writeDistributor(offset, width, value, by: vcpu) } }

  func read(_ offset: UInt64, _ width: AccessWidth = .word, by vcpu: Int = 0) -> UInt64 {
    var notified: UInt64 = 0
    return gic { $0.readDistributor(offset, width, by: vcpu, on: interfaces[vcpu], notified: &notified) }
  }

  /// `offset` is in the SGI frame of `owner`.
  @discardableResult func writePrivate(
    _ owner: Int, _ offset: UInt64, _ value: UInt64, _ width: AccessWidth = .word, by vcpu: Int? = nil
  ) -> UInt64 {
    let place = UInt64(owner) * VirtualGIC.redistributorByteCount + 0x1_0000 + offset
    return gic { $0.writeRedistributor(place, width, value, by: vcpu ?? owner) }
  }

  func readPrivate(_ owner: Int, _ offset: UInt64, _ width: AccessWidth = .word, by vcpu: Int? = nil) -> UInt64 {
    var notified: UInt64 = 0
    let place = UInt64(owner) * VirtualGIC.redistributorByteCount + 0x1_0000 + offset
    let reader = vcpu ?? owner
    return gic { $0.readRedistributor(place, width, by: reader, on: interfaces[reader], notified: &notified) }
  }

  /// Enables SPI `spi` with a priority, routed to `vcpu`.
  func enable(_ spi: Int, priority: UInt64 = 0xa0, to vcpu: Int = 0, isEdge: Bool = false) {
    let interrupt = UInt64(spi + 32)
    write(0x400 + interrupt, priority, .byte)
    write(0x6000 + interrupt * 8, UInt64(VCPUAffinity(index: vcpu).packed), .doubleword)
    if isEdge {
      let place = 0xc00 + interrupt / 16 * 4
      write(place, read(place) | 0b10 << (interrupt % 16 * 2))
    }
    write(0x100 + interrupt / 32 * 4, 1 << (interrupt % 32))
  }

  @discardableResult func set(_ spi: Int, _ isAsserted: Bool) -> UInt64 {
    gic { $0.setLine(spi, isAsserted: isAsserted) }
  }

  /// What happens before a vCPU is in its guest: its list registers are brought up to date, and again for as long as
  /// there is a maintenance interrupt.
  func enter(_ vcpu: Int) {
    for _ in 0..<8 {
      let work = gic { $0.prepareEntry(vcpu, on: interfaces[vcpu]) }
      if work.deactivatesTimer { interfaces[vcpu].deactivated.append(27) }
      if interfaces[vcpu].maintenance.isEmpty, !gic({ $0.needsAttention(vcpu) }) { return }
      gic { $0.requestRebuild(vcpu) }
    }
    Issue.record("vCPU \(vcpu) never gets into its guest")
  }

  /// Every vCPU that has something to look at looks at it.
  func settle() {
    for _ in 0..<8 {
      let busy = interfaces.indices.filter { vcpu in
        gic { $0.needsAttention(vcpu) } || !interfaces[vcpu].maintenance.isEmpty
      }
      if busy.isEmpty { return }
      for vcpu in busy {
        if !interfaces[vcpu].maintenance.isEmpty { gic { $0.requestRebuild(vcpu) } }
        enter(vcpu)
      }
    }
    Issue.record("the vCPUs never come to rest")
  }

  func acknowledge(_ vcpu: Int) -> Int? {
    enter(vcpu)
    return interfaces[vcpu].acknowledge()
  }

  func end(_ interrupt: Int, on vcpu: Int) {
    interfaces[vcpu].end(interrupt)
    settle()
  }

  func acknowledgeAndEnd(_ vcpu: Int) -> Int? {
    guard let interrupt = acknowledge(vcpu) else { return nil }
    end(interrupt, on: vcpu)
    return interrupt
  }
}
