import Kernel

/// The devices of a VM by address. Made at set-up; looked up, without a copy and without a lock, on every MMIO exit.
@safe public struct DeviceBus<Device: BusDevice>: ~Copyable {
  public static var capacity: Int { 64 }

  struct Window {
    let range: GuestPhysicalRange
    let device: Device
  }

  /// Ascending by address, `count` of them initialised. Not written once the VM runs.
  private let windows: UnsafeMutablePointer<Window>
  public private(set) var count = 0

  private let memory: Allocation

  public init() {
    memory = Allocation(byteCount: Self.capacity * MemoryLayout<Window>.stride, alignment: 16)
    // SAFETY: the memory was made for that many; it is the bus's own and lives as long.
    unsafe windows = memory.bound(to: Window.self, capacity: Self.capacity)
  }

  /// Places a device. Set-up only. Throws where the range is taken, even in part, or the bus is full.
  public mutating func add(_ device: Device, at range: GuestPhysicalRange) throws(DeviceBusError) {
    guard count < Self.capacity else { throw .full }
    var index = count
    // SAFETY: indices stay below `count`, which stays below the capacity; windows below `count` are initialised.
    while index > 0, unsafe windows[index - 1].range.base > range.base { index -= 1 }
    if index > 0, unsafe windows[index - 1].range.overlaps(range) { throw .overlap }
    if index < count, unsafe windows[index].range.overlaps(range) { throw .overlap }
    unsafe (windows + index + 1).moveInitialize(from: windows + index, count: count - index)
    unsafe (windows + index).initialize(to: Window(range: range, device: device))
    count += 1
  }

  /// The device that the whole access lies in, and the access's offset there.
  @inlinable public func find(_ address: GuestPhysicalAddress, width: AccessWidth) -> (device: Device, offset: UInt64)?
  {
    find(address, byteCount: width.byteCount)
  }

  @usableFromInline func find(_ address: GuestPhysicalAddress, byteCount: UInt64) -> (device: Device, offset: UInt64)? {
    var low = 0
    var high = count
    while low < high {
      let middle = (low &+ high) >> 1
      // SAFETY: `middle` lies below `count`, so the window is initialised.
      if unsafe windows[middle].range.base <= address { low = middle &+ 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    // SAFETY: as above.
    let window = unsafe windows + (low &- 1)
    guard let offset = address.offset(from: unsafe window.pointee.range.base) else { return nil }
    let (end, overflow) = offset.addingReportingOverflow(byteCount)
    guard !overflow, unsafe end <= window.pointee.range.byteCount else { return nil }
    return (unsafe window.pointee.device, offset)
  }
}

public enum DeviceBusError: Error, Sendable {
  case overlap
  case full
}
