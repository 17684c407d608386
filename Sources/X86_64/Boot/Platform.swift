import CX86_64
import DeviceTree
import Kernel

/// What the loader and the firmware's tables say about the machine. Read before there is a heap, so it holds only places.
struct Platform {
  private let info: StartInfo<DirectMap>
  let tables: ACPITables<DirectMap>?

  /// The command line is not read beyond this.
  private static let commandLineLimit = 4096

  /// Nil where the loader gave nothing that can be read.
  init?() {
    guard let info = StartInfo(at: boot_start_info(), memory: DirectMap()) else { return nil }
    self.info = info
    tables = ACPITables(pointer: info.rootPointer, memory: DirectMap())
  }

  /// Each range of RAM.
  func forEachMemoryRange(_ body: (HostPhysicalRange) -> Void) {
    info.forEachMemoryRange { base, byteCount, isFree in
      guard isFree, let range = HostPhysicalRange(base: HostPhysicalAddress(base), byteCount: byteCount) else { return }
      body(range)
    }
  }

  /// The module that the loader placed.
  var bundle: HostPhysicalRange? {
    info.module.flatMap { HostPhysicalRange(base: HostPhysicalAddress($0.address), byteCount: $0.byteCount) }
  }

  /// Whether something of the loader's begins in the page at `base` or runs into it.
  func isUsedByLoader(_ base: UInt64) -> Bool {
    overlaps(boot_start_info(), base) || overlaps(info.commandLineAddress, base) || overlaps(info.rootPointer, base)
  }

  private func overlaps(_ place: UInt64, _ base: UInt64) -> Bool { place < base + 4096 && place + 4096 > base }

  /// What the user wrote behind `-append`.
  var bootArguments: DeviceTreeBytes? {
    let address = info.commandLineAddress
    guard address != 0 else { return nil }
    var count = 0
    while count < Self.commandLineLimit,
      let byte = DirectMap().bytes(at: address &+ UInt64(count), count: 1)?.u8(0), byte != 0
    {
      count += 1
    }
    // SAFETY: so many bytes were read just now, and the first MiB, where loaders put it, is never given away.
    return unsafe DeviceTreeBytes(
      UnsafeRawBufferPointer(start: AddressMap.pointer(to: HostPhysicalAddress(address)), count: count))
  }
}

/// Firmware's tables through the direct map. Boot only.
struct DirectMap: TableMemory {
  func bytes(at address: UInt64, count: Int) -> TableBytes? {
    guard count >= 0, address < AddressMap.physicalLimit, UInt64(count) <= AddressMap.physicalLimit - address else {
      return nil
    }
    guard count > 0 else { return nil }
    AddressMap.mapMemory(at: HostPhysicalAddress(address), byteCount: UInt64(count))
    // SAFETY: mapped just above.
    return unsafe TableBytes(
      UnsafeRawBufferPointer(start: AddressMap.pointer(to: HostPhysicalAddress(address)), count: count))
  }
}
