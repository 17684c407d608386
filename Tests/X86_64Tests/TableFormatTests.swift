import Kernel
import Testing
import Virtualization

@testable import X86_64

/// AMD APM 2, 5.3 and 5.4: entries of 4-level paging.
struct TableFormatTests {
  private let machine = PhysicalAddressRange(features: 0x3028)

  @Test func `the size of addresses is CPUID's, and nonsense is refused`() throws {
    #expect(try #require(machine).bitCount == 40)
    #expect(PhysicalAddressRange(features: 31) == nil)
    #expect(PhysicalAddressRange(features: 53) == nil)
  }

  @Test func `a nested leaf is the user's, present, accessed and dirty`() throws {
    let format = NestedTableFormat(machine: try #require(machine), hasHugePages: true)
    let page = format.leaf(to: HostPhysicalAddress(0x1234_5000), PageAttributes(.all), level: 0)
    #expect(page == 0x1234_5000 | 0x67)
    let large = format.leaf(to: HostPhysicalAddress(0x4000_0000), PageAttributes([.read, .write]), level: 2)
    #expect(large == 0x8000_0000_4000_00e7)
    #expect(format.link(to: HostPhysicalAddress(0x5000), level: 1) == 0x5027)
  }

  @Test func `the hypervisor's leaf is not the user's, and is written or executed as it says`() throws {
    let format = HypervisorTableFormat(machine: try #require(machine))
    #expect(format.leaf(to: HostPhysicalAddress(0x5000), PageAttributes([.read, .execute]), level: 0) == 0x5061)
    #expect(
      format.leaf(to: HostPhysicalAddress(0x5000), PageAttributes([.read, .write], .device), level: 0)
        == 0x8000_0000_0000_507b)
  }

  @Test(arguments: [0, 1, 2] as [UInt64])
  func `what is written is read back`(level: UInt64) throws {
    let format = NestedTableFormat(machine: try #require(machine), hasHugePages: true)
    for permissions in [.read, [.read, .write], [.read, .execute], .all] as [AccessPermissions] {
      for type in [.normal, .device] as [MemoryType] {
        let attributes = PageAttributes(permissions, type)
        let output = HostPhysicalAddress(3 << 30)
        #expect(
          format.entry(format.leaf(to: output, attributes, level: level), level: level) == .leaf(output, attributes))
      }
    }
    #expect(format.entry(0, level: level) == .absent)
    #expect(format.entry(0x1000, level: level) == .absent)
  }

  @Test func `a large page where none may be is absent`() throws {
    let format = NestedTableFormat(machine: try #require(machine), hasHugePages: false)
    #expect(format.entry(0x4000_00e7, level: 2) == .absent)
    #expect(format.entry(0x4000_0067, level: 2) == .table(HostPhysicalAddress(0x4000_0000)))
  }
}
