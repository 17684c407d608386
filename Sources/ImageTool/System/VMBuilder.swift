import Foundation
import Manifest
import Virtualization

/// Reads the files that a VM names, and places them in its memory.
struct VMBuilder {
  /// What a generated device tree may take.
  static let generatedTreeRoom: UInt64 = 64 << 10

  private let configuration: VMConfiguration
  private let store: FileStore
  private let guests: GuestLibrary
  private let findings: Findings
  private var layout: GuestLayout
  private var images: [ImagePlacement] = []
  private var payloads: [Data] = []
  private var sources: [BuiltVM.Source] = []

  private init(
    _ configuration: VMConfiguration, _ store: FileStore, _ guests: GuestLibrary, _ findings: Findings
  ) {
    self.configuration = configuration
    self.store = store
    self.guests = guests
    self.findings = findings
    layout = GuestLayout(memory: configuration.memory.map(\.value))
  }

  /// Nil, with findings, where the VM cannot be put together.
  static func build(
    _ configuration: VMConfiguration, _ store: FileStore, _ guests: GuestLibrary, _ findings: Findings
  ) -> BuiltVM? {
    var builder = VMBuilder(configuration, store, guests, findings)
    return builder.build()
  }

  private mutating func build() -> BuiltVM? {
    // Every file is read, so that all that is wrong with any of them is told.
    let kernel = readKernel()
    let firmware = configuration.firmware.flatMap { firmware in read(firmware.path).map { (firmware, $0) } }
    let ramdisk = readRamdisk()
    let others = configuration.images.map { image in (image, read(image.path)) }
    let tree = readDeviceTree()
    tree?.check(findings)
    guard !configuration.memory.isEmpty, kernel != nil || firmware != nil,
      configuration.ramdisk == nil || ramdisk != nil, configuration.deviceTree?.path == nil || tree != nil
    else { return nil }

    // What has its place first, then the rest in the free places from the bottom up.
    for (image, data) in others {
      guard let data, let address = image.address else { continue }
      add(.image, data, at: address.value, label: "the image", image.path, address.place)
    }
    var entry: UInt64?
    if let firmware, let address = firmware.0.address {
      add(.firmware, firmware.1, at: address.value, label: "the firmware", firmware.0.path, address.place)
      entry = firmware.0.entry?.value ?? address.value
    }
    if case .fixed(let parts, let start)? = kernel.map(placement) {
      for part in parts { add(part) }
      entry = start
    }
    let fixedRamdisk = ramdisk?.source.address
    if let ramdisk, let address = fixedRamdisk {
      add(.ramdisk, ramdisk.data, at: address.value, label: "the ramdisk", ramdisk.source.path, address.place)
    }
    var treePlace: DeviceTreePlacement?
    if !conventions.kernelLiesLowest { treePlace = placeDeviceTree(tree) }
    if conventions.kernelLiesLowest || treePlace != nil, case .movable(let header, let data)? = kernel.map(placement) {
      guard let base = placeKernel(header, data) else { return nil }
      entry = base &+ header.entryOffset
    }
    if conventions.kernelLiesLowest { treePlace = placeDeviceTree(tree) }
    guard let treePlace else { return nil }
    if let ramdisk, fixedRamdisk == nil {
      guard
        let base = place(
          UInt64(ramdisk.data.count), alignment: ManifestLimits.pageByteCount, from: endOfKernel, "the ramdisk",
          ramdisk.source.path)
      else { return nil }
      add(
        Part(
          kind: .ramdisk, data: ramdisk.data, address: base, memoryByteCount: UInt64(ramdisk.data.count),
          label: "the ramdisk", path: ramdisk.source.path.value, place: ramdisk.source.path.place), isTaken: true)
    }
    guard let entry else { return nil }
    if let tree, let path = configuration.deviceTree?.path {
      let range = images.first { $0.kind == .ramdisk }.flatMap(\.guestRange)
      let bytes = Data(tree.bytes(commandLine: commandLine(tree), ramdisk: range))
      add(
        Part(
          kind: .deviceTree, data: bytes, address: treePlace.address.rawValue,
          memoryByteCount: treePlace.roomByteCount,
          label: "the device tree", path: path.value, place: configuration.deviceTree?.address?.place ?? path.place),
        isTaken: true)
    }
    return BuiltVM(
      manifest: manifest(entry: entry, treePlace, commandLine(tree)), payloads: payloads, sources: sources,
      configuration: configuration)
  }

  /// What the file says; else what a supplied device tree does.
  private func commandLine(_ tree: SuppliedDeviceTree?) -> [UInt8] {
    configuration.commandLine.map { Array($0.value.utf8) } ?? tree?.commandLine ?? []
  }

  private func manifest(entry: UInt64, _ tree: DeviceTreePlacement, _ commandLine: [UInt8]) -> VMManifest {
    let machine = configuration.architecture.guestMachine
    let vcpus = (0..<configuration.vcpuCount).map { index in
      let lists = configuration.affinity?.value ?? []
      let cpus = index < lists.count ? lists[index].value : []
      return VCPUManifest(affinity: cpus.reduce(0) { $0 | 1 << UInt64($1.value) })
    }
    return VMManifest(
      name: Array((configuration.name?.value ?? "").utf8), vcpus: vcpus,
      exclusiveCPUs: configuration.exclusiveCPUs?.value ?? false, memory: configuration.memory.map(\.value),
      images: images, entry: GuestPhysicalAddress(entry), bootProtocol: configuration.bootProtocol?.value ?? .linux,
      deviceTree: tree, commandLine: commandLine,
      autostart: configuration.autostart?.value ?? true, onReset: configuration.onReset?.value ?? .restart,
      onFailure: configuration.onFailure?.value ?? .stop, idle: configuration.idle?.value ?? .trapped,
      devices: configuration.devices?.map(\.value) ?? [machine.uart, machine.clock],
      logLevel: configuration.logLevel?.value ?? .info)
  }

  private var conventions: GuestConventions { configuration.architecture.guestConventions }

  // MARK: Files

  private func file(_ path: Located<String>) -> (url: URL, data: Data)? {
    let url: URL
    var part: GuestLibrary.Part?
    if let reference = GuestReference(path.value) {
      guard let found = guests.find(reference, at: path.place, findings) else { return nil }
      part = found
      url = found.file
    } else {
      url = URL(filePath: path.value, relativeTo: configuration.file.url.deletingLastPathComponent())
    }
    switch store.read(url) {
    case .success(let data): return (url, data)
    case .failure(.missing) where part != nil:
      findings.report(path.place, "this guest is not here yet", advice: part?.howToGet)
    case .failure(let problem):
      findings.report(path.place, problem.message, advice: problem.advice)
    }
    return nil
  }

  private func read(_ path: Located<String>) -> Data? { file(path)?.data }

  private func readKernel() -> KernelImage? {
    let reader = KernelReader(architecture: configuration.architecture, store: store, findings: findings)
    guard let kernel = configuration.kernel, let file = file(kernel.path),
      let image = reader.read(kernel, at: file.url, data: file.data)
    else { return nil }
    switch image {
    case .raw:
      guard kernel.address != nil else {
        if kernel.hasAddress { return nil }
        findings.report(
          kernel.place, "a raw kernel does not say where it goes",
          advice: "address = \(exampleAddress), and `entry` if it is another")
        return nil
      }
    case .elf:
      if let address = kernel.address {
        findings.report(address.place, "an ELF file itself says where it goes", advice: "[kernel] without `address`")
      }
    case .linux(let header, _):
      if let address = kernel.address, address.value % LinuxImage.alignment != header.offset {
        findings.report(
          address.place, "\(conventions.imageWords) cannot lie at \(hexadecimal(address.value))",
          advice: (header.offset == 0 ? "" : "\(hexadecimal(header.offset)) above ") + "a multiple of 2 MiB")
      }
    }
    if let entry = kernel.entry, kernel.format?.value != .raw {
      findings.report(entry.place, "the file itself says where it starts", advice: "`entry` only with format = \"raw\"")
    }
    return image
  }

  /// An address in the VM's memory, as people write it.
  private var exampleAddress: String {
    let address = configuration.architecture.guestMachine.memoryBase.rawValue + LinuxImage.alignment
    let digits = String(address, radix: 16)
    return "0x\(digits.dropLast(4))_\(digits.suffix(4))"
  }

  private func readRamdisk() -> (source: VMConfiguration.ImageSource, data: Data)? {
    guard let source = configuration.ramdisk, let data = read(source.path) else { return nil }
    let known: [[UInt8]] = [
      Array("070701".utf8), [0x1f, 0x8b], [0xfd, 0x37, 0x7a, 0x58, 0x5a], [0x28, 0xb5, 0x2f, 0xfd],
      [0x02, 0x21, 0x4c, 0x18], Array("BZh".utf8), [0x5d, 0x00, 0x00], [0x89, 0x4c, 0x5a, 0x4f],
    ]
    if !known.contains(where: { data.hasBytes($0, at: 0) }) {
      findings.report(
        source.path.place, "the file is no ramdisk: neither a cpio archive nor a packed one",
        advice: "a cpio archive (newc), plain or packed; other data is an [[image]]")
      return nil
    }
    return (source, data)
  }

  private func readDeviceTree() -> SuppliedDeviceTree? {
    guard let path = configuration.deviceTree?.path, let data = read(path) else { return nil }
    return SuppliedDeviceTree(data, path, of: configuration, findings)
  }

  // MARK: Places

  private struct Part {
    let kind: ImageKind
    let data: Data
    let address: UInt64
    let memoryByteCount: UInt64
    let label: String
    let path: String
    let place: SourcePlace
  }

  private enum KernelPlacement {
    case fixed([Part], entry: UInt64)
    case movable(LinuxImage, Data)
  }

  private func placement(of kernel: KernelImage) -> KernelPlacement {
    let source = configuration.kernel
    let place = source?.address?.place ?? source?.path.place ?? SourcePlace(configuration.file, nil)
    func part(_ data: Data, _ address: UInt64, _ memoryByteCount: UInt64, _ label: String) -> Part {
      Part(
        kind: .kernel, data: data, address: address, memoryByteCount: memoryByteCount, label: label,
        path: source?.path.value ?? "", place: place)
    }
    switch kernel {
    case .raw(let data):
      let address = source?.address?.value ?? 0
      return .fixed(
        [part(data, address, UInt64(data.count), "the kernel")], entry: source?.entry?.value ?? address)
    case .elf(let image):
      let parts = image.segments.enumerated().map { index, segment in
        part(segment.bytes, segment.address, segment.memoryByteCount, "part \(index) of the kernel")
      }
      return .fixed(parts, entry: image.entry)
    case .linux(let header, let data):
      guard let address = source?.address?.value else { return .movable(header, data) }
      return .fixed(
        [part(data, address, header.memoryByteCount, "the kernel")], entry: address &+ header.entryOffset)
    }
  }

  private mutating func placeKernel(_ header: LinuxImage, _ data: Data) -> UInt64? {
    guard let source = configuration.kernel else { return nil }
    let lowest = (configuration.memory.first?.value.base.rawValue ?? 0).addingReportingOverflow(header.distance)
    guard
      let base = place(
        header.memoryByteCount, alignment: LinuxImage.alignment, offset: header.offset, from: lowest.partialValue,
        "the kernel", source.path)
    else { return nil }
    add(
      Part(
        kind: .kernel, data: data, address: base, memoryByteCount: header.memoryByteCount, label: "the kernel",
        path: source.path.value, place: source.path.place), isTaken: true)
    return base
  }

  /// The first address that the device tree and the ramdisk may have, where they must lie above the kernel. Such a kernel
  /// takes the whole of its last 2 MiB, and a ramdisk that begins there is dropped (Linux, arch/riscv/mm/init.c).
  private var endOfKernel: UInt64 {
    guard conventions.kernelLiesLowest else { return 0 }
    let last = images.filter { $0.kind == .kernel }.compactMap { $0.guestRange?.last.rawValue }.max()
    return last.map { ($0 | (LinuxImage.alignment - 1)) &+ 1 } ?? 0
  }

  /// A free place, at or above `lowest` where there is one; nil, with a finding, where there is none.
  private mutating func place(
    _ byteCount: UInt64, alignment: UInt64, offset: UInt64 = 0, from lowest: UInt64, _ label: String,
    _ path: Located<String>
  ) -> UInt64? {
    for lowest in [lowest, 0] {
      let base = layout.place(byteCount: byteCount, alignment: alignment, offset: offset, from: lowest)
      if let base { return base.rawValue }
    }
    let needed = images.reduce(byteCount + 2 * LinuxImage.alignment) { $0 + $1.memoryByteCount }
    findings.report(
      path.place, "\(label) takes \(ByteSize.text(byteCount)), and no place in the VM's memory has that free",
      advice: "memory = \(ByteSize.configurationText(needed)) or more",
      related: configuration.memory.map { .init(label: "the VM's memory", place: $0.place) })
    return nil
  }

  /// Where the device tree goes: at the bottom of memory, where firmware looks for it, if that is free, or above the
  /// kernel.
  private mutating func placeDeviceTree(_ supplied: SuppliedDeviceTree?) -> DeviceTreePlacement? {
    let wanted = configuration.deviceTree
    if wanted == nil && configuration.bootProtocol?.value == .raw { return DeviceTreePlacement.none }
    // The ramdisk's place is not known yet; any will do for the size.
    let ramdisk = configuration.ramdisk.flatMap { _ in configuration.memory.first?.value }
    let room =
      supplied.map { Self.room(of: $0.bytes(commandLine: commandLine($0), ramdisk: ramdisk).count) }
      ?? Self.generatedTreeRoom
    let source: DeviceTreeSource = supplied == nil ? .generated : .supplied
    if let address = wanted?.address?.value {
      let placement = DeviceTreePlacement(source: source, address: GuestPhysicalAddress(address), roomByteCount: room)
      layout.take(placement.range)
      return placement
    }
    let page = ManifestLimits.pageByteCount
    guard
      let base = layout.place(byteCount: room, alignment: page, from: endOfKernel)
        ?? layout.place(byteCount: room, alignment: page)
    else {
      let place = wanted?.path?.place ?? configuration.memory.first?.place ?? SourcePlace(configuration.file, nil)
      findings.report(
        place, "the device tree's \(ByteSize.text(room)) find no free place in the VM's memory",
        advice: "more memory, or other addresses for the images")
      return nil
    }
    return DeviceTreePlacement(source: source, address: base, roomByteCount: room)
  }

  /// What a supplied tree takes: whole pages, and at least 256 bytes for words that a boot adds to the command line.
  private static func room(of byteCount: Int) -> UInt64 {
    (UInt64(byteCount) + 256 + ManifestLimits.pageByteCount - 1) & ~(ManifestLimits.pageByteCount - 1)
  }

  private mutating func add(
    _ kind: ImageKind, _ data: Data, at address: UInt64, label: String, _ path: Located<String>, _ place: SourcePlace
  ) {
    add(
      Part(
        kind: kind, data: data, address: address, memoryByteCount: UInt64(data.count), label: label, path: path.value,
        place: place))
  }

  private mutating func add(_ part: Part, isTaken: Bool = false) {
    let image = ImagePlacement(
      kind: part.kind, guestAddress: GuestPhysicalAddress(part.address), bundleOffset: 0,
      byteCount: UInt64(part.data.count), memoryByteCount: part.memoryByteCount)
    if !isTaken { layout.take(image.guestRange) }
    images.append(image)
    payloads.append(part.data)
    sources.append(BuiltVM.Source(label: part.label, place: part.place, path: part.path))
  }
}
