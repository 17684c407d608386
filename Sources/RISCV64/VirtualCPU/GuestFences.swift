import CRISCV64
import Kernel
import Virtualization

/// A guest's fences on others of its harts (RISC-V SBI 2.0, chapter 8): on the harts of the machine whose tasks those vCPUs
/// are, by the VMID, whether they run at the moment or not.
extension RISCV64 {
  enum GuestFence {
    case instructions
    /// - asid: The guest's address space; nil: all of them.
    case translations(FenceRange, asid: UInt64?)
  }

  static func fence(_ fence: GuestFence, on harts: HartMask, by vcpu: Reference<VCPU<Self>>) -> FirmwareAnswer {
    let vm = vcpu.value.vm
    guard let targets = harts.targets(vcpuCount: vm.value.vcpus.count) else { return FirmwareAnswer(.invalidParameter) }
    let own = currentCPU
    var isHere = false
    var others = HostHarts()
    var rest = CPUSet(rawValue: targets)
    while let index = rest.popFirst() {
      guard let cpu = vm.value.vcpus[index].value.task?.value.cpu else { continue }
      if cpu == own { isHere = true } else { others.insert(cpu.value.hardwareID) { carryOut(fence, on: $0) } }
    }
    if isHere { carryOutHere(fence) }
    if others.mask != 0 { carryOut(fence, on: others) }
    return FirmwareAnswer(.success)
  }

  /// An address space has 16 bits; the others are for the future, and no guest's.
  private static let asidMask: UInt64 = 0xffff

  private static func carryOutHere(_ fence: GuestFence) {
    switch fence {
    case .instructions: riscv64_fence_i()
    case .translations(.everything, nil): riscv64_hfence_vvma()
    case .translations(.everything, let asid?): riscv64_hfence_vvma_asid(asid & asidMask)
    case .translations(.pages(let start, let count), let asid):
      for page in 0..<count {
        let address = start &+ page &* 4096
        if let asid {
          riscv64_hfence_vvma_address_asid(address, asid & asidMask)
        } else {
          riscv64_hfence_vvma_address(address)
        }
      }
    }
  }

  private static func carryOut(_ fence: GuestFence, on harts: HostHarts) {
    guard case .translations(let range, let asid) = fence else {
      return MachineFirmware.fenceInstructions(harts: harts.mask, base: harts.base)
    }
    var start: UInt64 = 0
    var byteCount = UInt64.max  // everything
    if case .pages(let first, let count) = range {
      start = first
      byteCount = count &* 4096
    }
    if let asid {
      MachineFirmware.fenceGuest(
        asid: asid & asidMask, start: start, byteCount: byteCount, harts: harts.mask, base: harts.base)
    } else {
      MachineFirmware.fenceGuest(start: start, byteCount: byteCount, harts: harts.mask, base: harts.base)
    }
  }
}

/// Harts of the machine as SBI takes them: those from `base` on that have their bit set.
struct HostHarts {
  private(set) var mask: UInt64 = 0
  private(set) var base: UInt64 = 0

  /// Adds a hart; where it is too far from the others, these are done with first.
  mutating func insert(_ hart: UInt64, flush: (Self) -> Void) {
    let group = hart & ~63
    if mask != 0, group != base {
      flush(self)
      mask = 0
    }
    base = group
    mask |= 1 << (hart & 63)
  }
}
