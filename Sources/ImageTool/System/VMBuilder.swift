import Foundation
import Manifest
import Virtualization

/// Reads the files that a VM names, and places them in its memory.
struct VMBuilder {
  /// What a generated device tree may take.
  static let generatedTreeRoom: UInt64 = 64 << 10

  private let configuration: VMConfiguration
  private let store: FileStore
  private let findings: Findings
  private var layout: GuestLayout
  private var images: [ImagePlacement] = []
  private var payloads: [Data] = []
  private var sources: [BuiltVM.Source] = []

  private init(_ configuration: VMConfiguration, _ store: FileStore, _ findings: Findings) {
    self.configuration = configuration
    self.store = store
    self.findings = findings
    layout = GuestLayout(memory: configuration.memory.map(\.value))
  }

  /// Nil, with findings, where the VM cannot be put together.
  static func build(_ configuration: VMConfiguration, _ store: FileStore, _ findings: Findings) -> BuiltVM? {
    var builder = VMBuilder(configuration, store, findings)
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
    guard let treePlace = placeDeviceTree(tree) else { return nil }
    if case .movable(let header, let data)? = kernel.map(placement), let source = configuration.kernel {
      guard
        let base = place(
          header.memoryByteCount, alignment: Arm64Image.alignment, offset: header.textOffset, "the kernel", source.path)
      else { return nil }
      add(
        Part(
          kind: .kernel, data: data, address: base, memoryByteCount: header.memoryByteCount, label: "the kernel",
          path: source.path.value, place: source.path.place), isTaken: true)
      entry = base
    }
    if let ramdisk, fixedRamdisk == nil {
      guard
        let base = place(
          UInt64(ramdisk.data.count), alignment: ManifestLimits.pageByteCount, "the ramdisk", ramdisk.source.path)
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
    let machine = Architecture.aarch64.guestMachine
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

  // MARK: Files

  private func url(_ path: String) -> URL {
    URL(filePath: path, relativeTo: configuration.file.url.deletingLastPathComponent())
  }

  private func read(_ path: Located<String>) -> Data? {
    switch store.read(url(path.value)) {
    case .success(let data): return data
    case .failure(let problem):
      let isDemo = path.value.contains(".cache/guests/")
      findings.report(
        path.place, problem.message,
        advice: isDemo && problem == .missing ? "`./apus guests --get` fetches the demo guests" : problem.advice)
      return nil
    }
  }

  private func readKernel() -> KernelImage? {
    guard let kernel = configuration.kernel, let data = read(kernel.path),
      let image = KernelReader(store: store, findings: findings).read(kernel, at: url(kernel.path.value), data: data)
    else { return nil }
    switch image {
    case .raw:
      guard kernel.address != nil else {
        if kernel.hasAddress { return nil }
        findings.report(
          kernel.place, "a raw kernel does not say where it goes",
          advice: "address = 0x4020_0000, and `entry` if it is another")
        return nil
      }
    case .elf:
      if let address = kernel.address {
        findings.report(address.place, "an ELF file itself says where it goes", advice: "[kernel] without `address`")
      }
    case .arm64(let header, _):
      if let address = kernel.address, address.value % Arm64Image.alignment != header.textOffset {
        findings.report(
          address.place, "an arm64 Image cannot lie at \(hexadecimal(address.value))",
          advice: (header.textOffset == 0 ? "" : "\(hexadecimal(header.textOffset)) above ") + "a multiple of 2 MiB")
      }
    }
    if let entry = kernel.entry, kernel.format?.value != .raw {
      findings.report(entry.place, "the file itself says where it starts", advice: "`entry` only with format = \"raw\"")
    }
    return image
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
    case movable(Arm64Image, Data)
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
    case .arm64(let header, let data):
      guard let address = source?.address?.value else { return .movable(header, data) }
      return .fixed([part(data, address, header.memoryByteCount, "the kernel")], entry: address)
    }
  }

  /// A free place; nil, with a finding, where there is none.
  private mutating func place(
    _ byteCount: UInt64, alignment: UInt64, offset: UInt64 = 0, _ label: String, _ path: Located<String>
  ) -> UInt64? {
    if let base = layout.place(byteCount: byteCount, alignment: alignment, offset: offset) { return base.rawValue }
    let needed = images.reduce(byteCount + 2 * Arm64Image.alignment) { $0 + $1.memoryByteCount }
    findings.report(
      path.place, "\(label) takes \(ByteSize.text(byteCount)), and no place in the VM's memory has that free",
      advice: "memory = \(ByteSize.configurationText(needed)) or more",
      related: configuration.memory.map { .init(label: "the VM's memory", place: $0.place) })
    return nil
  }

  /// Where the device tree goes: at the bottom of memory, where firmware looks for it, if that is free.
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
    guard let base = layout.place(byteCount: room, alignment: ManifestLimits.pageByteCount) else {
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
