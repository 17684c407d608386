import Manifest
import Virtualization

/// One VM as its file has it: values of the right kinds, each with its place, and nothing looked up yet.
struct VMConfiguration {
  struct ImageSource {
    let path: Located<String>
    let address: Located<UInt64>?
  }

  struct Kernel {
    let path: Located<String>
    let format: Located<KernelFormat>?
    let address: Located<UInt64>?
    let entry: Located<UInt64>?
    /// Whether the file says an address, readable or not.
    let hasAddress: Bool
    let place: SourcePlace
  }

  struct DeviceTree {
    let path: Located<String>?
    let address: Located<UInt64>?
    let place: SourcePlace
  }

  let file: SourceFile
  /// Of the machine that the VM is for.
  let architecture: Architecture
  let name: Located<String>?
  let cpus: Located<Int>?
  /// Physical CPUs per vCPU.
  let affinity: Located<[Located<[Located<Int>]>]>?
  let exclusiveCPUs: Located<Bool>?
  let idle: Located<IdleMode>?
  let memory: [Located<GuestPhysicalRange>]
  let autostart: Located<Bool>?
  let onReset: Located<VMReaction>?
  let onFailure: Located<VMReaction>?
  let logLevel: Located<LogLevel>?
  let commandLine: Located<String>?
  let bootProtocol: Located<BootProtocol>?
  let kernel: Kernel?
  let firmware: Kernel?
  let ramdisk: ImageSource?
  let deviceTree: DeviceTree?
  let images: [ImageSource]
  /// Nil where the file says nothing of devices.
  let devices: [Located<DeviceManifest>]?

  /// How many vCPUs: `cpus`, or one for each list of `affinity`, or 1.
  var vcpuCount: Int { cpus?.value ?? affinity?.value.count ?? 1 }
}

extension VMConfiguration {
  /// Every path of a file.
  var paths: [String] {
    ([kernel?.path, firmware?.path, ramdisk?.path, deviceTree?.path] + images.map(\.path)).compactMap { $0?.value }
  }
}

/// How a kernel file is made.
enum KernelFormat: ManifestWord {
  /// Linux's arm64 `Image`.
  case arm64Image
  /// Linux's riscv64 `Image`.
  case riscv64Image
  /// Linux's x86 `bzImage`.
  case bzImage
  /// An `Image` or ELF file that gzip packed.
  case gzip
  /// An EFI program that unpacks the `Image` in it (`CONFIG_EFI_ZBOOT`).
  case zboot
  case elf
  /// Bytes that go to `address` as they are.
  case raw

  var word: StaticString {
    switch self {
    case .arm64Image: "arm64-image"
    case .riscv64Image: "riscv64-image"
    case .bzImage: "bzimage"
    case .gzip: "gzip"
    case .zboot: "zboot"
    case .elf: "elf"
    case .raw: "raw"
    }
  }
}

extension VMConfiguration {
  /// Reads a VM file whose values are `item`. Nil only where that is no table.
  init?(_ file: SourceFile, _ item: ConfigurationItem, for architecture: Architecture, _ findings: Findings) {
    guard let table = TableReader(item, .vm, findings) else { return nil }
    self.file = file
    self.architecture = architecture
    let machine = architecture.guestMachine
    name = Self.name(table, findings)
    cpus = table.integer("cpus", in: 1...ManifestLimits.vcpus)
    affinity = Self.affinity(table, vcpus: cpus, findings)
    exclusiveCPUs = table.boolean("exclusive-cpus")
    idle = table.word("idle")
    memory = Self.memory(table, from: machine.memoryBase, findings)
    autostart = table.boolean("autostart")
    onReset = table.word("on-reset")
    onFailure = table.word("on-failure")
    logLevel = table.word("log-level")
    commandLine = table.string("command-line")
    bootProtocol = table.word("boot-protocol")
    kernel = table.table("kernel", .kernel).flatMap { Self.kernel($0) }
    firmware = table.table("firmware", .firmware).flatMap { Self.kernel($0) }
    ramdisk = table.table("ramdisk", .ramdisk).flatMap { Self.image($0) }
    deviceTree = table.table("device-tree", .deviceTree).map {
      DeviceTree(path: $0.string("path"), address: $0.address("address"), place: $0.place)
    }
    images = (table.tables("image", .image) ?? []).compactMap { Self.image($0) }
    devices = table.tables("device", .device)?.compactMap { Self.device($0, of: machine, findings) }

    if let kernelPlace = table.keyPlace("kernel"), let firmwarePlace = table.keyPlace("firmware") {
      findings.report(
        table.item("firmware")?.place ?? firmwarePlace, "the VM has both a kernel and a firmware to start",
        advice: "one of the two; what a firmware is to find in memory is an [[image]]",
        related: [.init(label: "the kernel", place: table.item("kernel")?.place ?? kernelPlace)])
    } else if table.keyPlace("kernel") == nil && table.keyPlace("firmware") == nil {
      findings.report(
        table.place, "the VM has nothing to start", advice: "a [kernel] or a [firmware] with its path")
    }
  }

  private static func name(_ table: TableReader, _ findings: Findings) -> Located<String>? {
    guard let name = table.string("name") else { return nil }
    guard VMManifest.isName(Array(name.value.utf8)) else {
      findings.report(
        name.place, "\"\(name.value)\" cannot be a VM's name",
        advice: "1 to \(ManifestLimits.nameByteCount) letters (a to z), digits, '_', '.' or '-'")
      return nil
    }
    return name
  }

  private static func affinity(
    _ table: TableReader, vcpus count: Located<Int>?, _ findings: Findings
  ) -> Located<[Located<[Located<Int>]>]>? {
    let advice = "one list of physical CPUs for each vCPU, such as affinity = [[0], [1, 2]]"
    guard let lists = table.list("affinity", wanted: "a list of lists", advice: advice),
      let place = table.item("affinity")?.place
    else { return nil }
    var vcpus: [Located<[Located<Int>]>] = []
    for item in lists {
      guard case .array(let elements) = item.content else {
        findings.report(item.place, "each vCPU's CPUs are a list, and this is \(item.kind)", advice: advice)
        continue
      }
      if elements.isEmpty {
        findings.report(item.place, "the vCPU may run on no CPU", advice: "at least one physical CPU, such as [0]")
      }
      var cpus: [Located<Int>] = []
      for element in elements {
        guard case .integer(let cpu) = element.content, (0..<ManifestLimits.physicalCPUs).contains(cpu) else {
          findings.report(
            element.place, "this is no physical CPU", advice: "a number from 0 to \(ManifestLimits.physicalCPUs - 1)")
          continue
        }
        if let other = cpus.first(where: { $0.value == cpu }) {
          findings.report(
            element.place, "CPU \(cpu) is in the list twice", advice: "each CPU once",
            related: [.init(label: "the first time", place: other.place)])
        }
        cpus.append(Located(value: cpu, place: element.place))
      }
      vcpus.append(Located(value: cpus, place: item.place))
    }
    if let count, count.value != lists.count {
      findings.report(
        place, "`affinity` names CPUs for \(lists.count) vCPUs, and the VM has \(count.value)",
        advice: "one list for each vCPU", related: [.init(label: "the number of vCPUs", place: count.place)])
    }
    return Located(value: vcpus, place: place)
  }

  /// A size, which begins where the guest's machine has RAM, or a list of ranges.
  private static func memory(
    _ table: TableReader, from base: GuestPhysicalAddress, _ findings: Findings
  ) -> [Located<GuestPhysicalRange>] {
    guard let item = table.item("memory") else { return [] }
    func range(_ base: UInt64, _ byteCount: Located<UInt64>, _ place: SourcePlace) -> Located<GuestPhysicalRange>? {
      guard let range = GuestPhysicalRange(base: GuestPhysicalAddress(base), byteCount: byteCount.value) else {
        findings.report(
          place, "memory of \(ByteSize.text(byteCount.value)) from \(hexadecimal(base)) on passes the last address",
          advice: "an address or a size that is smaller")
        return nil
      }
      return Located(value: range, place: place)
    }
    guard case .array(let items) = item.content else {
      return table.size("memory").flatMap { range(base.rawValue, $0, $0.place) }.map { [$0] } ?? []
    }
    if items.isEmpty { findings.report(item.place, "the VM has no memory", advice: "memory = \"256MiB\"") }
    return items.compactMap { item in
      guard let reader = TableReader(item, .memoryRange, findings) else { return nil }
      guard let address = reader.address("address"), let size = reader.size("size") else { return nil }
      return range(address.value, size, address.place)
    }
  }

  private static func kernel(_ table: TableReader) -> Kernel? {
    let format = table.schema.names.contains("format") ? table.word("format", KernelFormat.self) : nil
    let address = table.address("address"), entry = table.address("entry")
    return table.string("path").map {
      Kernel(
        path: $0, format: format, address: address, entry: entry, hasAddress: table.keyPlace("address") != nil,
        place: table.place)
    }
  }

  private static func image(_ table: TableReader) -> ImageSource? {
    let address = table.address("address")
    return table.string("path").map { ImageSource(path: $0, address: address) }
  }

  private static func device(
    _ table: TableReader, of machine: GuestMachine, _ findings: Findings
  ) -> Located<DeviceManifest>? {
    let address = table.address("address")
    let interrupt = table.integer(
      "interrupt", in: Int(machine.interrupts.lowerBound)...Int(machine.interrupts.upperBound) - 1)
    guard let kind = table.word("kind", DeviceKind.self) else { return nil }
    var device: DeviceManifest
    switch kind.value {
    case .uart: device = machine.uart
    case .clock: device = machine.clock
    }
    if let address { device.base = GuestPhysicalAddress(address.value) }
    if let interrupt { device.interrupt = UInt32(interrupt.value) }
    return Located(value: device, place: address?.place ?? interrupt?.place ?? kind.place)
  }
}
