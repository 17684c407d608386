import Virtualization

/// One VM.
public struct VMManifest: Equatable, Sendable {
  /// 1 to 31 of letters, digits, `_`, `.` and `-`; no two VMs have the same.
  public var name: [UInt8]
  /// In the order of the guest's CPU numbers; the first one boots.
  public var vcpus: [VCPUManifest]
  /// No vCPU of another VM runs on the CPUs that this VM's vCPUs name.
  public var exclusiveCPUs: Bool
  /// Each a multiple of 4 KiB.
  public var memory: [GuestPhysicalRange]
  public var images: [ImagePlacement]
  /// Where the first vCPU starts, inside one of the images.
  public var entry: GuestPhysicalAddress
  public var bootProtocol: BootProtocol
  public var deviceTree: DeviceTreePlacement
  /// Without a zero at the end.
  public var commandLine: [UInt8]
  /// Whether the VM starts with the hypervisor.
  public var autostart: Bool
  public var onReset: VMReaction
  public var onFailure: VMReaction
  public var idle: IdleMode
  public var devices: [DeviceManifest]
  public var logLevel: LogLevel

  public init(
    name: [UInt8], vcpus: [VCPUManifest], exclusiveCPUs: Bool = false, memory: [GuestPhysicalRange],
    images: [ImagePlacement], entry: GuestPhysicalAddress, bootProtocol: BootProtocol = .linux,
    deviceTree: DeviceTreePlacement, commandLine: [UInt8] = [], autostart: Bool = true,
    onReset: VMReaction = .restart, onFailure: VMReaction = .stop, idle: IdleMode = .trapped,
    devices: [DeviceManifest] = [], logLevel: LogLevel = .info
  ) {
    self.name = name
    self.vcpus = vcpus
    self.exclusiveCPUs = exclusiveCPUs
    self.memory = memory
    self.images = images
    self.entry = entry
    self.bootProtocol = bootProtocol
    self.deviceTree = deviceTree
    self.commandLine = commandLine
    self.autostart = autostart
    self.onReset = onReset
    self.onFailure = onFailure
    self.idle = idle
    self.devices = devices
    self.logLevel = logLevel
  }

  /// Where the ramdisk lies in the guest's memory; nil where there is none.
  public var ramdisk: GuestPhysicalRange? {
    images.first { $0.kind == .ramdisk }
      .flatMap { GuestPhysicalRange(base: $0.guestAddress, byteCount: $0.byteCount) }
  }

  /// The physical CPUs that any vCPU names.
  public var namedCPUs: UInt64 { vcpus.reduce(0) { $0 | $1.affinity } }
}

public struct VCPUManifest: Equatable, Sendable {
  /// Bit n: may run on physical CPU n. 0: on any.
  public var affinity: UInt64

  public init(affinity: UInt64 = 0) { self.affinity = affinity }
}

/// Bytes of the bundle and where a guest finds them.
public struct ImagePlacement: Equatable, Sendable {
  public var kind: ImageKind
  public var guestAddress: GuestPhysicalAddress
  /// A multiple of 4 KiB. Several placements may share the same bytes.
  public var bundleOffset: UInt64
  /// Bytes to copy; 0 for a part that is all zeroes.
  public var byteCount: UInt64
  /// Bytes of guest memory that the image takes; those after `byteCount` are zero.
  public var memoryByteCount: UInt64

  public init(
    kind: ImageKind, guestAddress: GuestPhysicalAddress, bundleOffset: UInt64, byteCount: UInt64,
    memoryByteCount: UInt64
  ) {
    self.kind = kind
    self.guestAddress = guestAddress
    self.bundleOffset = bundleOffset
    self.byteCount = byteCount
    self.memoryByteCount = memoryByteCount
  }

  /// What it takes of the guest's memory; nil where that is nothing or wraps.
  public var guestRange: GuestPhysicalRange? { GuestPhysicalRange(base: guestAddress, byteCount: memoryByteCount) }
}

/// Where a guest finds its device tree.
public struct DeviceTreePlacement: Equatable, Sendable {
  public var source: DeviceTreeSource
  /// A multiple of 8.
  public var address: GuestPhysicalAddress
  /// Bytes that the tree may take, at most 2 MiB.
  public var roomByteCount: UInt64

  public init(source: DeviceTreeSource, address: GuestPhysicalAddress, roomByteCount: UInt64) {
    self.source = source
    self.address = address
    self.roomByteCount = roomByteCount
  }

  public static let none = Self(source: .none, address: GuestPhysicalAddress(0), roomByteCount: 0)

  /// Nil where there is no tree, or no room, or the room wraps.
  public var range: GuestPhysicalRange? {
    source == .none ? nil : GuestPhysicalRange(base: address, byteCount: roomByteCount)
  }
}

/// A virtual device.
public struct DeviceManifest: Equatable, Sendable {
  public var kind: DeviceKind
  public var base: GuestPhysicalAddress
  public var byteCount: UInt64
  /// The interrupt controller's own number for device interrupts: on aarch64 the SPI, 0 for identifier 32;
  /// on riscv64 the PLIC's source, on x86_64 the I/O APIC's input.
  public var interrupt: UInt32

  public init(kind: DeviceKind, base: GuestPhysicalAddress, byteCount: UInt64, interrupt: UInt32) {
    self.kind = kind
    self.base = base
    self.byteCount = byteCount
    self.interrupt = interrupt
  }

  public var range: GuestPhysicalRange? { GuestPhysicalRange(base: base, byteCount: byteCount) }
}
