import Kernel
import Virtualization

/// Hypervisor IPA Fault Address Register (Arm ARM DDI 0487, HPFAR_EL2).
struct HPFAR_EL2: RawRepresentable, Equatable, Sendable {
  let rawValue: UInt64

  @inline(__always) init(rawValue: UInt64) { self.rawValue = rawValue }

  static let fipa = BitField(47, 4)  // bits [55:12] of the faulting guest-physical address

  /// The 4 KiB page that stage 2 could not reach.
  @inline(__always) var page: GuestPhysicalAddress {
    GuestPhysicalAddress(Self.fipa.value(in: rawValue) &<< 12)
  }

  /// The faulting address itself: the page, and from FAR_EL2 the place in it. Holds for a fault of the access
  /// itself, not for one of a stage-1 walk, where FAR_EL2 names what was to be translated.
  @inline(__always) func address(far: UInt64) -> GuestPhysicalAddress {
    GuestPhysicalAddress(page.rawValue | (far & 0xfff))
  }
}
