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

  /// The device that the whole access lies in, and the access's offset there. `hint` is where the last access was, which
  /// is looked at first; any value will do. So a driver that stays with its device pays the same however many there are.
  @inline(__always) public func find(
    _ address: GuestPhysicalAddress, width: AccessWidth, near hint: inout Int
  ) -> (device: Device, offset: UInt64)? {
    if let found = match(hint, address, byteCount: width.byteCount) { return found }
    hint = place(of: address)
    return match(hint, address, byteCount: width.byteCount)
  }

  /// The device of window `index`, where there is such a window and the whole access lies in it.
  @inline(__always) private func match(
    _ index: Int, _ address: GuestPhysicalAddress, byteCount: UInt64
  ) -> (device: Device, offset: UInt64)? {
    guard UInt(bitPattern: index) < UInt(bitPattern: count) else { return nil }
    // SAFETY: windows below `count` are initialised.
    let window = unsafe windows + index
    guard let offset = address.offset(from: unsafe window.pointee.range.base) else { return nil }
    let (end, overflow) = offset.addingReportingOverflow(byteCount)
    guard !overflow, unsafe end <= window.pointee.range.byteCount else { return nil }
    return (unsafe window.pointee.device, offset)
  }

  /// The last window that begins at or below `address`; -1 where none does. Always as many steps as the full bus needs.
  @inline(never) private func place(of address: GuestPhysicalAddress) -> Int {
    var place = -1
    var step = Self.capacity / 2
    while step > 0 {
      let next = place &+ step
      // SAFETY: windows below `count` are initialised.
      if next < count, unsafe windows[next].range.base <= address { place = next }
      step >>= 1
    }
    let next = place &+ 1
    // SAFETY: as above.
    if next < count, unsafe windows[next].range.base <= address { place = next }
    return place
  }
}

public enum DeviceBusError: Error, Sendable {
  case overlap
  case full
}
