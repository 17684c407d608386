import Foundation
import Synchronization
import Testing

@testable import AArch64

/// Many threads on one controller: what is signalled once is delivered once, whoever interferes.
@Suite struct VirtualGICConcurrencyTests {
  /// Each edge is raised when the one before was taken, so that none merge; each must then be taken exactly once.
  @Test func everyEdgeIsDeliveredOnceWhileItsRouteAndEnableChange() {
    let machine = GICMachine(vcpus: 3, spis: 64, listRegisters: 2)
    machine.boot()
    for spi in 0..<6 { machine.enable(spi, to: spi % 3, isEdge: true) }
    machine.settle()
    let shared = Shared(machine: machine)
    let threads = (0..<3).map { vcpu in Thread { shared.runVCPU(vcpu) } } + [Thread { shared.runDevices() }]
    for thread in threads { thread.start() }
    while shared.finishedCount.load(ordering: .acquiring) < threads.count { Thread.sleep(forTimeInterval: 0.002) }
    #expect(shared.raised == 1500)
    #expect(shared.delivered.load(ordering: .acquiring) == 1500)
    #expect(shared.unexpected.load(ordering: .acquiring) == 0)
  }

  /// What the threads share: the machine's interfaces each belong to one thread, the controller to all.
  final class Shared: @unchecked Sendable {
    let machine: GICMachine
    let outstanding = Atomic<UInt64>(0)
    let delivered = Atomic<Int>(0)
    let unexpected = Atomic<Int>(0)
    let isDone = Atomic<Bool>(false)
    let finishedCount = Atomic<Int>(0)
    var raised = 0

    init(machine: GICMachine) { self.machine = machine }

    func runVCPU(_ vcpu: Int) {
      var random = SeededGenerator(seed: UInt64(vcpu) + 40)
      while !isDone.load(ordering: .acquiring) {
        take(vcpu)
        interfere(vcpu, &random)
      }
      finishedCount.wrappingAdd(1, ordering: .releasing)
    }

    private func take(_ vcpu: Int) {
      let interface = machine.interfaces[vcpu]
      if !interface.maintenance.isEmpty { machine.gic { $0.requestRebuild(vcpu) } }
      machine.gic { _ = $0.prepareEntry(vcpu, on: interface) }
      guard let interrupt = interface.acknowledge() else { return }
      let bit = UInt64(1) << UInt64(interrupt - 32)
      if outstanding.bitwiseAnd(~bit, ordering: .acquiringAndReleasing).oldValue & bit == 0 {
        unexpected.wrappingAdd(1, ordering: .relaxed)
      }
      interface.end(interrupt)
      // Only when it is over here may it come again.
      delivered.wrappingAdd(1, ordering: .releasing)
    }

    /// What a guest may do at any time without losing an interrupt.
    private func interfere(_ vcpu: Int, _ random: inout SeededGenerator) {
      let spi = Int.random(in: 0..<6, using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0:
        machine.write(0x184, 1 << UInt64(spi), by: vcpu)
        machine.write(0x104, 1 << UInt64(spi), by: vcpu)
      case 1:
        machine.write(0x6000 + UInt64(spi + 32) * 8, UInt64.random(in: 0..<3, using: &random), .doubleword, by: vcpu)
      case 2: machine.write(0x420 + UInt64(spi), UInt64.random(in: 0..<4, using: &random) << 5, .byte, by: vcpu)
      default: break
      }
    }

    func runDevices() {
      let deadline = 1500
      var random = SeededGenerator(seed: 99)
      var attempts = 0
      while raised < deadline, attempts < 400_000_000 {
        attempts += 1
        let spi = Int.random(in: 0..<6, using: &random)
        let bit = UInt64(1) << UInt64(spi)
        if outstanding.load(ordering: .acquiring) & bit != 0 { continue }
        raised += 1
        outstanding.bitwiseOr(bit, ordering: .acquiringAndReleasing)
        machine.set(spi, true)
        machine.set(spi, false)
      }
      while delivered.load(ordering: .acquiring) < raised, attempts < 400_000_000 { attempts += 1 }
      isDone.store(true, ordering: .releasing)
      finishedCount.wrappingAdd(1, ordering: .releasing)
    }
  }
}
